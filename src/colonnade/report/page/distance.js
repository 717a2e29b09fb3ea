// Distance along the genome: a band for each comparison, of points or, where there are many, of stretches.

const MOST_POINTS = 1500, MOST_BANDS = 8, STRETCHES = 280;

class DistanceFigure {
  constructor(node, caption, rows, { choose, narrow, step }) {
    Object.assign(this, { node, caption, rows, choose, narrow, views: [] });
    node.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) { event.preventDefault(); step(by); }
    });
  }

  // Draws rows in the order of the genome.
  async show(shown, wanted) {
    const turn = this.turn = (this.turn ?? 0) + 1;
    const view = viewOf(wanted.region);
    const groups = this.grouped(shown, wanted.comparison);
    this.node.querySelectorAll('.picture').forEach(forget);
    this.views = [];
    const bands = groups.map(({ comparison }) => make('div', { class: 'band' }, make('h3', {}, comparisonTexts[comparison]), make('div', { class: 'picture' })));
    replace(this.node, ...bands);
    const isDense = groups.some(({ rows }) => rows.length > MOST_POINTS);
    replace(this.caption, ...this.words(isDense, groups));
    const top = this.top(groups);
    const views = await Promise.all(groups.map(({ comparison, rows }, place) => {
      if (!rows.length) return bands[place].lastChild.append('No locus of this comparison is shown.');
      const options = { view, top, comparison, isLast: place === groups.length - 1, height: groups.length > 3 ? 96 : 150 };
      return (isDense ? this.stretches : this.points).call(this, bands[place].lastChild, rows, options);
    }));
    if (this.turn !== turn) return;
    this.views = isDense ? [] : views.filter(Boolean);
    this.mark(this.chosen ?? -1);
  }

  grouped(shown, comparison) {
    const groups = new Map((comparison >= 0 ? [comparison] : settings.comparisons.map((_, number) => number)).map((number) => [number, []]));
    for (const row of shown) groups.get(this.rows.columns.comparison[row]).push(row);
    this.left = Math.max(0, groups.size - MOST_BANDS);
    const largest = [...groups].map(([number, rows]) => ({ comparison: number, rows })).sort((a, b) => b.rows.length - a.rows.length || a.comparison - b.comparison);
    return largest.slice(0, MOST_BANDS).sort((a, b) => a.comparison - b.comparison);
  }

  // How far up the bands go: to 1, or less far where all distances are small.
  top(groups) {
    let largest = settings.minDistance * settings.unit;
    for (const { rows } of groups) {
      for (const row of rows) {
        const { high } = this.rows.ends(row);
        largest = Math.max(largest, high === MISSING_2 ? this.rows.columns.distance_mean[row] : high);
      }
    }
    return largest > settings.unit / 2 ? 1 : (1.15 * largest) / settings.unit;
  }

  async points(node, rows, { view, top, comparison, isLast, height }) {
    const { columns } = this.rows;
    const data = rows.map((row) => {
      const { low, high } = this.rows.ends(row);
      const mean = columns.distance_mean[row] / settings.unit;
      const state = this.rows.state(row);
      const kind = state === 'changed' && this.rows.strandsDisagree(row) ? 'changed, strands disagree' : state;
      const label = `${this.rows.place(row)} ${this.rows.has('gained') ? this.rows.change(row) : ''}`;
      return {
        row, locus: columns.locus[row], x: onView(view, columns.contig[row], columns.position[row]), mean,
        low: low === MISSING_2 ? mean : low / settings.unit, high: high === MISSING_2 ? mean : high / settings.unit,
        kind, label, said: this.rows.distance(row), told: `${label}, distance ${this.rows.distance(row)}, ${kind}`,
      };
    });
    const drawn = await draw(node, 'distance', {
      data: { rows: data }, parameters: { ...view, top, threshold: settings.minDistance }, change: fitted(height, isLast),
      label: `Distance along the genome, ${comparisonTexts[comparison]}: ${plural(rows.length, 'locus', 'loci')}; the table below lists them`,
    });
    drawn.addEventListener('click', (_, item) => { if (item?.datum?.row !== undefined) this.choose(item.datum.row); });
    return drawn;
  }

  async stretches(node, rows, { view, top, comparison, isLast, height }) {
    const data = stretchesOf(this.rows, rows, view);
    const drawn = await draw(node, 'stretches', {
      data: { stretches: data }, parameters: { ...view, top }, change: fitted(height, isLast),
      label: `Distance along the genome, ${comparisonTexts[comparison]}: ${plural(rows.length, 'locus', 'loci')} in ${plural(data.length, 'stretch', 'stretches')}`,
    });
    drawn.addEventListener('click', (_, item) => { if (item?.datum?.region) this.narrow(item.datum.region, comparison); });
    return drawn;
  }

  words(isDense, groups) {
    const more = this.left ? ` ${plural(this.left, 'comparison')} with fewer loci are not drawn; choose one above.` : '';
    if (isDense) {
      return [`More loci than can be told apart, so in stretches of the genome: a bar reaches to the largest mean distance in its stretch, an orange line marks the median, and colour counts loci. Click one to see its loci; distances are 0 to 1.${more}`];
    }
    const kinds = this.kinds(groups).flatMap((kind) => [key(kind), ' ']);
    return [make('span', { class: 'keys' }, ...kinds), `Distance of the base compositions (0 equal, 1 wholly different) at each locus; look for points far above the dashed line, the smallest distance that counts as a change. Lines are ${settings.interval}. Click a point to see the samples there.${more}`];
  }

  kinds(groups) {
    const found = new Set();
    for (const { rows } of groups) {
      for (const row of rows) found.add(this.rows.state(row) === 'changed' && this.rows.strandsDisagree(row) ? 'changed, strands disagree' : this.rows.state(row));
    }
    return Object.keys(settings.colours.points).filter((kind) => found.has(kind));
  }

  mark(locus) {
    this.chosen = locus;
    for (const view of this.views) view.signal('chosen', locus).runAsync();
  }
}

const SHAPES = { circle: 'M6 1a5 5 0 1 0 .01 0z', 'triangle-down': 'M1 2h10l-5 9z', diamond: 'M6 0l5 6-5 6-5-6z', cross: 'M4 1h4v3h3v4h-3v3h-4v-3h-3v-4h3z' };

function key(kind) {
  const { colour, shape } = settings.colours.points[kind];
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 12 12');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', SHAPES[shape]);
  path.setAttribute('fill', colour);
  svg.append(path);
  return make('span', { class: 'key' }, svg, kind);
}

// The height of a band, and positions below the last one only.
const fitted = (height, isLast) => (specification) => {
  specification.height = height;
  if (isLast) return;
  for (const layer of specification.layer ?? []) {
    if (layer.encoding.x) layer.encoding.x.axis = { ...layer.encoding.x.axis, labels: false, ticks: false };
  }
  if (specification.encoding?.x) specification.encoding.x.axis = { ...specification.encoding.x.axis, labels: false, ticks: false };
};

// Count, largest and median distance of rows, in the order of the genome, by stretches of what is seen of it.
function stretchesOf(rows, shown, view) {
  const { contig, position, distance_mean: distance } = rows.columns;
  const width = (view.to - view.from) / STRETCHES;
  const stretches = new Map();
  for (const row of shown) {
    const number = Math.floor((onView(view, contig[row], position[row]) - view.from) / width);
    const id = `${contig[row]}:${number}`;
    if (!stretches.has(id)) stretches.set(id, { number, rows: [] });
    stretches.get(id).rows.push(row);
  }
  return [...stretches.values()].map(({ number, rows: members }) => {
    const distances = Uint16Array.from(members, (row) => distance[row]).sort();
    const middle = distances.length >> 1;
    const median = distances.length % 2 ? distances[middle] : (distances[middle - 1] + distances[middle]) / 2;
    const [first, last] = [members[0], members.at(-1)];
    const region = `${axis.contigs[contig[first]]}:${written(position[first])}-${written(position[last])}`;
    const x = view.from + number * width;
    return { x, x2: x + width, count: members.length, largest: distances.at(-1) / settings.unit, median: median / settings.unit, region, label: region };
  });
}
