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

// Windows below which stretches are too long to see where in them a sample is shallow.
const FEW_WINDOWS = 50;

async function showDepth() {
  if (settings.depthStep === null) return;
  const { columns } = await unpackOnce('depth');
  const view = viewOf(parseRegion(''));
  const n = columns.depth.length / settings.samples.length;
  const shift = view.contig >= 0 ? axis.first[view.contig] : 0;
  const shown = shallowest(columns, n);
  const known = (value) => (value === undefined || Number.isNaN(value) ? null : value);
  const depths = shown.flatMap((number, sample) => {
    const points = [];
    for (let place = 0; place < n; place++) {
      const cell = number * n + place;
      points.push({ sample, name: settings.samples[number], x: shift + place * settings.depthStep, depth: known(columns.depth[cell]), share: known(columns.share?.[cell]) });
    }
    return [...points, { ...points.at(-1), x: view.to }];
  });
  const hasGaps = depths.some(({ share }) => share !== null && share < 1);
  byId('depth-figure').hidden = false;
  byId('depth-caption').textContent = depthText({ isKnown: Boolean(columns.share), hasGaps, left: settings.samples.length - shown.length, drawn: shown.length });
  const parameters = { ...view, called: shown.map((number) => settings.samples[number]) };
  await draw(byId('depths'), 'depth', { data: { depths }, parameters, change: fitted(190, !hasGaps), label: 'Mean depth of each sample along the genome' });
  if (hasGaps) await draw(byId('covered'), 'covered', { data: { depths }, parameters, label: 'Share of positions that have reads, of each sample along the genome' });
}

// What is drawn, what to look for, and what cannot be seen.
function depthText({ isKnown, hasGaps, left, drawn: count }) {
  const over = !isKnown ? 'a position looked at' : hasGaps ? 'a position that has any; below, the share of positions that do' : 'a position';
  const isCoarse = settings.depthWindows < FEW_WINDOWS;
  const shallow = `where a sample is shallow${hasGaps ? ' or has no reads' : ''}`;
  const look = isCoarse
    ? `Windows of ${plural(settings.window, 'position')}, within which the picture does not show ${shallow}; compare with a smaller --window shows more`
    : `Stretches of ${plural(settings.depthStep, 'position')}; look for those ${shallow}, where changes cannot be seen`;
  const others = left ? ` The ${count} shallowest samples are drawn, ${plural(left, 'other')} ${left === 1 ? 'is' : 'are'} not.` : '';
  return `Mean number of bases of good quality at ${over}. ${look}. Means, without an interval.${others}`;
}

// The samples that have a line: as many as can be told apart, those with the smallest mean depth, in their order.
function shallowest({ depth, share }, n) {
  const overAll = depth.map((value, cell) => value * (share ? share[cell] : 1));
  const means = settings.samples.map((_, number) => {
    const known = Array.from(overAll.subarray(number * n, (number + 1) * n)).filter((value) => !Number.isNaN(value));
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : 0;
  });
  const order = means.map((_, number) => number).sort((a, b) => means[a] - means[b] || a - b);
  return order.slice(0, settings.mostLines).sort((a, b) => a - b);
}
