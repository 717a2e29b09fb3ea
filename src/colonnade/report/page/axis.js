// Where things are along the genome: contigs laid end to end, or one of them by itself.

const axis = (() => {
  const { contigs, first, last } = settings.axis;
  const starts = [];
  let length = 0;
  contigs.forEach((_, number) => {
    starts.push(length);
    length += last[number] - first[number] + 1;
  });
  return { contigs, first, last, starts, length };
})();

const isOneContig = axis.contigs.length === 1;

const placeText = (contig, position) => (isOneContig ? '' : `${axis.contigs[contig]}:`) + written(position);

// "chr7", "chr7:1,000-2,000", "chr7:1,000", and without the contig where there is one; null where it is none of these.
function parseRegion(text) {
  const wanted = text.trim();
  if (!wanted) return { contig: -1, from: 0, to: Infinity };
  const whole = axis.contigs.indexOf(wanted);
  if (whole >= 0) return { contig: whole, from: 0, to: Infinity };
  const colon = wanted.lastIndexOf(':');
  const contig = colon < 0 ? (isOneContig ? 0 : -1) : axis.contigs.indexOf(wanted.slice(0, colon));
  const match = /^([\d,]+)(?:\s*[-–]\s*([\d,]+))?$/.exec(wanted.slice(colon + 1));
  if (contig < 0 || !match) return null;
  const [from, to] = [match[1], match[2] ?? match[1]].map((digits) => Number(digits.replaceAll(',', '')));
  return { contig, from, to };
}

// What pictures show of the genome: the ends, and ticks that are contigs where there are several.
function viewOf(region) {
  if (region.contig >= 0 || isOneContig) {
    const contig = Math.max(region.contig, 0);
    const from = Math.max(region.from, axis.first[contig]);
    const to = Math.max(from, Math.min(region.to, axis.last[contig]));
    const room = region.to === Infinity ? 0 : Math.max(1, (to - from) * 0.02);
    return { contig, from: from - room, to: to + room, ticks: null, names: {} };
  }
  const drawn = axis.contigs.map((_, number) => number).filter((number) => axis.last[number] >= axis.first[number] && axis.last[number] > 0);
  const names = Object.fromEntries(drawn.map((number) => [axis.starts[number], axis.contigs[number]]));
  return { contig: -1, from: 0, to: axis.length, ticks: drawn.map((number) => axis.starts[number]), names };
}

const onView = (view, contig, position) => (view.contig >= 0 ? position : axis.starts[contig] + position - axis.first[contig]);
