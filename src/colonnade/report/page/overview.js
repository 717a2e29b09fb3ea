// Pictures of whole samples: states of loci, mean distances, depth.

const STATES_OF_STATS = [
  ['changed', ['changed']], ['ambiguous', ['ambiguous']], ['unchanged', ['unchanged']],
  ['not compared', ['no_data', 'no_reference', 'below_min_depth']],
];

// Comparisons that have a bar, samples beyond which squares have no numbers, and the width of all squares in pixels.
const MOST_BARS = 24, MOST_NUMBERED = 8, SQUARES_WIDTH = 470;

async function showStates() {
  const { stats } = settings;
  if (!stats) return;
  const sum = (row, names) => names.reduce((total, name) => total + row[name], 0);
  const most = stats.map((_, number) => number).sort((a, b) => stats[b].changed * stats[a].loci - stats[a].changed * stats[b].loci || a - b);
  const drawnOnes = most.slice(0, MOST_BARS).sort((a, b) => a - b);
  const states = drawnOnes.flatMap((number) => STATES_OF_STATS.map(([state, names], order) => (
    { comparison: number, name: comparisonTexts[number], state, order, loci: sum(stats[number], names) })))
    .map((bar) => ({ ...bar, told: `${bar.name}, ${bar.state} ${written(bar.loci)}` }));
  const heads = [['comparison'], ['loci', 'number'], ...STATES_OF_STATS.map(([state]) => [state, 'number']), ['indels changed', 'number'], ['mean distance', 'number']];
  const lines = stats.map((row, number) => [
    comparisonTexts[number], written(row.loci), ...STATES_OF_STATS.map(([, names]) => written(sum(row, names))), written(row.indel_changed),
    settings.means[number] === null ? '' : settings.means[number].toFixed(4),
  ]);
  replace(byId('states-table'), tableOf(heads, lines));
  byId('states-caption').hidden = false;
  const left = stats.length - drawnOnes.length;
  if (left) byId('states-caption').append(` The ${MOST_BARS} comparisons with the largest share of changed loci are drawn, ${written(left)} are not.`);
  const change = (specification) => { specification.height = 26 * drawnOnes.length; };
  await draw(byId('states'), 'states', { data: { states }, parameters: { compared: comparisonTexts }, change, label: 'Loci by state for each comparison; the numbers are in the table below' });
}

async function showPairs(choose) {
  const { means, comparisons } = settings;
  if (!means.some((mean) => mean !== null)) return;
  const names = called.slice(0, settings.samples.length + comparisons.some((pair) => pair[1] === 'REF'));
  const numbers = new Map(comparisons.flatMap(([one, two], number) => [[`${one}\t${two}`, number], [`${two}\t${one}`, number]]));
  const isNumbered = names.length <= MOST_NUMBERED;
  const pairs = names.flatMap((two, second) => names.map((one, first) => {
    const comparison = numbers.get(`${one}\t${two}`) ?? -1;
    const distance = first === second || comparison < 0 ? null : means[comparison];
    const told = distance === null ? '' : `${one} and ${two}, mean distance ${distance.toFixed(4)}`;
    return { first, second, one, two, comparison, distance, told, said: distance === null || !isNumbered ? '' : distance.toFixed(4) };
  }));
  const largest = Math.max(...means.filter((mean) => mean !== null));
  byId('pairs-caption').hidden = false;
  if (!isNumbered) byId('pairs-caption').append(' Point at a square for its samples and distance; names that find no room are left out.');
  const domain = names.map((_, number) => number);
  const change = (specification) => {
    for (const { encoding } of [specification, ...specification.layer]) {
      for (const channel of [encoding?.x, encoding?.y]) if (channel) channel.scale = { domain };
    }
    if (!isNumbered) specification.width = specification.height = { step: SQUARES_WIDTH / names.length };
  };
  const view = await draw(byId('pairs'), 'pairs', { data: { pairs }, parameters: { largest }, change, label: 'Mean distance of each two samples' });
  view.addEventListener('click', (_, item) => { if (item?.datum?.comparison >= 0) choose(item.datum.comparison); });
}

async function showDepth() {
  if (settings.depthStep === null) return;
  const { columns } = await unpackOnce('depth');
  const view = viewOf(parseRegion(''));
  const n = columns.depth.length / settings.samples.length;
  const shift = view.contig >= 0 ? axis.first[view.contig] : 0;
  const shown = shallowest(columns.depth, n);
  const depths = shown.flatMap((number, sample) => {
    const points = [];
    for (let place = 0; place < n; place++) points.push({ sample, name: settings.samples[number], x: shift + place * settings.depthStep, depth: columns.depth[number * n + place] });
    points.push({ ...points.at(-1), x: view.to });
    return points.map((point) => ({ ...point, depth: Number.isNaN(point.depth) ? null : point.depth }));
  });
  const left = settings.samples.length - shown.length;
  byId('depth-figure').hidden = false;
  byId('depth-caption').textContent = `Mean number of bases of good quality at a position, in stretches of ${plural(settings.depthStep, 'position')}; look for stretches where a sample is shallow, where changes cannot be seen. Means, without an interval.${left ? ` The ${shown.length} shallowest samples are drawn, ${plural(left, 'other')} ${left === 1 ? 'is' : 'are'} not.` : ''}`;
  const parameters = { ...view, called: shown.map((number) => settings.samples[number]) };
  await draw(byId('depths'), 'depth', { data: { depths }, parameters, label: 'Mean depth of each sample along the genome' });
}

// The samples that have a line: as many as can be told apart, those with the smallest mean depth, in their order.
function shallowest(depth, n) {
  const means = settings.samples.map((_, number) => {
    const known = Array.from(depth.subarray(number * n, (number + 1) * n)).filter((value) => !Number.isNaN(value));
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : 0;
  });
  const order = means.map((_, number) => number).sort((a, b) => means[a] - means[b] || a - b);
  return order.slice(0, settings.mostLines).sort((a, b) => a - b);
}
