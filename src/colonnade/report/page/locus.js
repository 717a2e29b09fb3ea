// The chosen locus: what all samples are made of there, and the reads behind it.

class LocusPanel {
  constructor(node, rows, step) {
    Object.assign(this, { node, rows, step });
  }

  async show(row) {
    this.row = row;
    const locus = this.rows.columns.locus[row];
    const [samples, reads] = await Promise.all([
      settings.hasCompositions ? compositionsAt(locus) : null,
      settings.hasEvidence ? evidenceAt(locus) : null,
    ]);
    if (this.row !== row) return;
    this.node.querySelectorAll('.picture').forEach(forget);
    replace(this.node, this.heading(row), ...this.comparisons(locus), ...composed(samples), ...evidenced(reads));
    this.node.dataset.row = row;
    await Promise.all([this.drawComposition(samples), this.drawReads(reads, row)]);
    this.node.dataset.drawn = row;
  }

  heading(row) {
    const button = (text, title, by) => make('button', { type: 'button', 'aria-label': title, title, click: () => this.step(by) }, text);
    return make('div', { class: 'top' },
      make('h3', {}, `${this.rows.place(row)}, reference ${settings.letters[this.rows.columns.reference[row]]}`),
      make('div', {}, button('←', 'Previous locus', -1), ' ', button('→', 'Next locus', 1)));
  }

  // What each comparison says of the locus, and what its change means for genes.
  comparisons(locus) {
    const { rows } = this;
    const lines = rowsOf(rows, locus).map((row) => {
      const p = rows.text('strand_p', row);
      const strands = p === '' ? 'one only' : `${rows.strandsDisagree(row) ? 'disagree' : 'agree'}, p ${pText(p)}`;
      return [comparisonTexts[rows.columns.comparison[row]], rows.has('gained') ? `${rows.change(row)} ${rows.shares(row)}` : '', rows.distance(row), rows.state(row),
        make('span', { class: rows.strandsDisagree(row) ? 'warn' : null }, strands)];
    });
    const effects = rows.has('effect') ? [...new Set(rowsOf(rows, locus).map((row) => rows.text('effect', row)).filter(Boolean))] : [];
    const heads = [['comparison'], ['change'], ['distance'], ['state'], ['strands']];
    return [...effects.map((text) => make('p', { class: 'effect' }, text)), make('div', { class: 'wide' }, tableOf(heads, lines))];
  }

  async drawComposition(samples) {
    const nodes = [...this.node.querySelectorAll('.composition .picture')];
    if (!samples || !nodes.length) return;
    const shares = samples.flatMap(stacked);
    const lines = readable(shares);
    const label = (what) => `${what} at ${this.rows.place(this.row)}; the numbers are in the table below`;
    this.node.querySelector('.left-out').textContent = lines.said;
    await Promise.all([
      draw(nodes[0], 'composition', { data: { shares }, label: label('Composition of each sample') }),
      draw(nodes[1], 'shares', { data: { shares: lines.shares }, parameters: { top: lines.top }, change: settings.isSuccession ? null : unjoined, label: label('Share of each base with its interval') }),
    ]);
  }

  async drawReads(reads, row) {
    const grid = this.node.querySelector('.reads .grid');
    if (!reads || !grid) return;
    const pair = settings.comparisons[this.rows.columns.comparison[row]].filter((name) => settings.samples.includes(name));
    const best = Math.max(40, ...reads.map(({ quality }) => qualityEnd(quality)));
    const bases = [...settings.bases].filter((base) => reads.some((read) => read.base === base && pair.includes(read.sample)));
    grid.style.gridTemplateColumns = `1.6rem repeat(${pair.length}, minmax(0, 1fr))`;
    replace(grid, make('span'), ...pair.map((sample) => make('b', {}, sample)));
    await Promise.all(bases.flatMap((base) => {
      grid.append(swatch(base, baseColour(base)));
      return pair.map((sample) => {
        const node = make('div', { class: 'picture' });
        grid.append(node);
        const data = reads.filter((read) => read.sample === sample && read.base === base)
          .map((read) => ({ ...read, ...barOf(read) }));
        if (!data.length) return replace(node, make('span', { class: 'none' }, 'none'));
        const most = Math.max(...data.map((read) => read.count));
        return draw(node, 'reads', { data: { reads: data }, parameters: { best, most }, label: `Reads of ${sample} with ${base} by quality and strand` });
      });
    }));
  }
}

// Lines lead from sample to sample only where each was compared with the next.
const unjoined = (specification) => { specification.layer = specification.layer.filter(({ mark }) => mark.type !== 'line'); };

// What the picture of intervals shows: bases that matter; and if all but one are rare, those from closer by.
const RARE = 0.2, NEVER = 0.02;

function readable(shares) {
  const largest = (base) => Math.max(...shares.filter((share) => share.base === base).map(({ high }) => high));
  const bases = [...settings.bases].filter((base) => largest(base) >= Math.min(NEVER, settings.minDistance));
  const rare = bases.filter((base) => largest(base) < RARE);
  const isClose = rare.length > 0 && bases.length - rare.length === 1;
  const shown = isClose ? rare : bases;
  const top = isClose ? Math.min(1, 1.15 * Math.max(...rare.map(largest))) : 1;
  const others = [...settings.bases].filter((base) => !shown.includes(base));
  const said = others.length ? ` On the right without ${others.join(', ')}, to show the others ${isClose ? 'from closer by' : 'clearly'}.` : '';
  return { shares: shares.filter(({ base }) => shown.includes(base)), top, said };
}

const rowsOf = (rows, locus) => {
  const { locus: loci } = rows.columns;  // rising
  let low = 0, high = loci.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (loci[middle] < locus) low = middle + 1;
    else high = middle;
  }
  const found = [];
  for (let row = low; row < loci.length && loci[row] === locus; row++) found.push(row);
  return found;
};

// Of each sample: depths, and share, lower and upper end for each base, in units.
async function compositionsAt(locus) {
  const { columns, first } = await pieceOf('comp', locus);
  const n = settings.samples.length;
  return settings.samples.map((name, number) => {
    const place = (locus - first) * n + number;
    const bases = [...settings.bases].map((base, code) => {
      const cell = place * settings.bases.length + code;
      return { base, mean: columns.mean[cell], low: columns.lower[cell], high: columns.upper[cell] };
    });
    return { name, sample: number, depth: columns.depth[place], low: columns.depth_low_quality[place], indel: columns.depth_indel[place], bases };
  });
}

async function evidenceAt(locus) {
  const { columns, first } = await pieceOf('evidence', locus);
  const found = [];
  for (let place = columns.locus.indexOf(locus - first); place >= 0 && columns.locus[place] === locus - first; place++) {
    found.push({
      sample: settings.samples[columns.sample[place]], base: settings.bases[columns.base[place]],
      strand: columns.strand[place] ? '-' : '+', quality: columns.quality[place], count: columns.count[place],
    });
  }
  return found;
}

// The shares of a sample, one upon the other.
function stacked({ name, sample, bases }) {
  let sum = 0;
  return bases.filter(({ mean }) => mean !== MISSING_2).map(({ base, mean, low, high }) => {
    const from = sum;
    sum = Math.min(1, from + mean / settings.unit);
    const share = mean / settings.unit;
    const ends = low === MISSING_2 ? { low: share, high: share } : { low: low / settings.unit, high: high / settings.unit };
    return { name, sample, base, from, to: sum, middle: (from + sum) / 2, share, ...ends, said: intervalText(mean, low, high), told: `${name}, ${base} ${intervalText(mean, low, high)}` };
  });
}

const baseColour = (base) => settings.colours.bases[base];
const count = (value) => (value === MISSING_4 ? '' : written(value));

function composed(samples) {
  if (!samples) return [make('p', { class: 'absent' }, 'The table comp was not written, so the compositions are not known here.')];
  const heads = [['sample'], ['depth', 'number'], ...[...settings.bases].map((base) => [swatch(base, baseColour(base))]), ['low quality', 'number'], ['indels', 'number']];
  const lines = samples.map(({ name, depth, low, indel, bases }) =>
    [name, count(depth), ...bases.map(({ mean, low: from, high }) => shareCell(mean, from, high)), count(low), count(indel)]);
  const order = settings.isSuccession ? ' from one sample to the next' : '';
  const joined = settings.isSuccession ? ' Thin ones lead from each sample to the next, which it was compared with.' : '';
  return [make('div', { class: 'part' },
    make('h4', {}, 'Composition'),
    make('figure', { class: 'composition' },
      make('div', { class: 'pictures' }, make('div', { class: 'picture' }), make('div', { class: 'picture' })),
      make('figcaption', {}, `Shares of A, C, G and T in each sample; look for a base that takes another's place${order}. Upright lines are ${settings.interval}.${joined}`, make('span', { class: 'left-out' }))),
    make('div', { class: 'wide' }, tableOf(heads, lines)))];
}

// A share above its interval.
function shareCell(mean, low, high) {
  const [share, interval] = [shareText(mean), intervalText(mean, low, high).slice(shareText(mean).length + 1)];
  return make('span', { class: 'share' }, share, ' ', make('small', {}, interval));
}

function evidenced(reads) {
  if (!reads) return [make('p', { class: 'absent' }, 'The table evidence was not written, so the reads are not known here.')];
  const groups = new Map();
  for (const { sample, base, strand, quality, count: n } of reads) {
    const group = groups.get(`${sample}\t${base}`) ?? groups.set(`${sample}\t${base}`, { sample, base, '+': 0, '-': 0, sum: 0 }).get(`${sample}\t${base}`);
    group[strand] += n;
    group.sum += n * quality;
  }
  const lines = [...groups.values()].map((group) => {
    const all = group['+'] + group['-'];
    return [group.sample, swatch(group.base, baseColour(group.base)), written(all), written(group['+']), written(group['-']),
      settings.classes ? null : (group.sum / all).toFixed(1)].filter((cell) => cell !== null);
  });
  const heads = [['sample'], ['base'], ['reads', 'number'], ['forward', 'number'], ['reverse', 'number'], ...(settings.classes ? [] : [['mean quality', 'number']])];
  const grouped = settings.classes ? ` As this result is large, qualities are counted in classes: ${classTexts().join(', ')}.` : '';
  return [make('div', { class: 'part' },
    make('h4', {}, 'Reads behind it'),
    make('figure', { class: 'reads' },
      make('div', { class: 'grid' }),
      make('figcaption', {}, `Bases of good quality in the samples compared, by Phred quality (across), forward reads up and reverse reads down; look for a base that one strand or low quality alone shows. Counts, without an interval.${grouped}`)),
    make('div', { class: 'wide' }, tableOf(heads, lines)))];
}

function classTexts() {
  const ends = settings.classes;
  return ends.map((low, place) => (place + 1 < ends.length ? `${low}–${ends[place + 1] - 1}` : `${low} or more`));
}

// Where the bar of some reads ends, and what it says.
function barOf({ quality, strand, count: n }) {
  const [way, signed] = strand === '+' ? ['forward', n] : ['reverse', -n];
  return { end: qualityEnd(quality), signed, told: `quality ${quality}, ${way} ${written(n)}` };
}

function qualityEnd(quality) {
  if (!settings.classes) return quality + 1;
  const place = settings.classes.indexOf(quality);
  return settings.classes[place + 1] ?? quality + 10;
}
