// Indels: a list, and of the chosen one every event as a share of the reads of either sample.

// The events of a row with their counts and shares in both samples.
function eventsOf(rows, row) {
  const events = rows.text('events', row).split(',');
  const counts = ['counts_1', 'counts_2'].map((column) => rows.text(column, row).split(',').map(Number));
  const sums = counts.map((numbers) => numbers.reduce((sum, number) => sum + number, 0) || 1);
  return events.map((event, place) => ({
    event, counts: counts.map((numbers) => numbers[place]), shares: counts.map((numbers, side) => numbers[place] / sums[side]),
  }));
}

// The indel whose share differs most; written as "-CA 0.10 → 0.80".
function foremostText(rows, row) {
  const indels = eventsOf(rows, row).slice(1);
  const rise = ({ shares }) => Math.abs(shares[1] - shares[0]);
  const { event, shares } = indels.reduce((best, other) => (rise(other) > rise(best) ? other : best), indels[0]);
  const fromTo = settings.comparisons[rows.columns.comparison[row]][1] === 'REF' ? shares.toReversed() : shares;
  return `${event} ${fromTo.map((share) => share.toFixed(settings.decimals)).join(' → ')}`;
}

class IndelPanel {
  constructor(node, rows) {
    Object.assign(this, { node, rows });
  }

  async show(row) {
    const { rows } = this;
    const pair = settings.comparisons[rows.columns.comparison[row]];
    const events = eventsOf(rows, row);
    const names = events.map(({ event }) => (event === '@' ? 'none' : event));
    const numbers = pair.map((name) => called.indexOf(name));
    const lines = events.map(({ counts, shares }, place) => [names[place], ...pair.flatMap((_, side) => [written(counts[side]), shares[side].toFixed(settings.decimals)])]);
    const heads = [['event'], ...pair.flatMap((sample) => [[`reads, ${sample}`, 'number'], ['share', 'number']])];
    const picture = make('div', { class: 'picture' });
    this.node.querySelectorAll('.picture').forEach(forget);
    replace(this.node,
      make('div', { class: 'top' }, make('h3', {}, `${rows.place(row)}, ${pair.join(' and ')}`)),
      rows.has('effect') && rows.text('effect', row) ? make('p', { class: 'effect' }, rows.text('effect', row)) : null,
      make('p', {}, `Distance ${rows.distance(row)}, ${rows.state(row)}.`),
      make('figure', {}, picture, make('figcaption', {}, 'Share of the reads of each sample that show an event right after this position; look for bars of different length. Counts as observed, without an interval; the interval of the distance is above.')),
      make('div', { class: 'wide' }, tableOf(heads, lines)));
    this.node.dataset.row = row;
    const data = events.flatMap(({ counts, shares }, event) => pair.map((name, side) => ({
      event, called: names[event], told: `${name}, ${names[event]} ${written(counts[side])}`, sample: numbers[side], name, count: counts[side], share: shares[side],
    })));
    const change = (specification) => {
      const { scale } = specification.encoding.color;
      specification.encoding.color.scale = { domain: numbers, range: numbers.map((number) => scale.range[number]) };
      specification.height = 32 * events.length;
    };
    await draw(picture, 'events', { data: { events: data }, parameters: { events: names }, change, label: `Shares of indels at ${rows.place(row)}; the numbers are in the table below` });
    this.node.dataset.drawn = row;
  }
}
