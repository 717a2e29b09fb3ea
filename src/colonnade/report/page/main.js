// How the parts of the page know of each other.

const depthColumn = (rows, column) => (row) => (rows.columns[column][row] === MISSING_4 ? '' : written(rows.columns[column][row]));
const isMany = settings.comparisons.length > 1;

// Widths in em of what may be long, up to a limit behind which texts are cut.
const widthOf = (texts, most) => Math.min(most, 1.4 + 0.64 * Math.max(5, ...texts.map((text) => text.length)));
const comparisonWidth = widthOf(comparisonTexts, 13);
const moreDigits = 0.6 * (settings.decimals - 2);
const digitsWidth = 0.6 * written(axis.last.reduce((largest, last) => Math.max(largest, last), 0)).length;
const placeWidth = digitsWidth + (isOneContig ? 3 : widthOf(axis.contigs.slice(0, 1000), 10));

// Of the panel of a locus, in rem: shares with intervals of four bases, and depths; of an indel less.
const LOCUS_WIDTH = 36.5 + 5.6 * (settings.decimals - 2), INDEL_WIDTH = 32;

// All columns together are to find room on a screen 1280 pixels wide: what a change means for genes takes what the others leave.
const MOST_WIDTH = 86, LEAST_EFFECT = 10, MOST_EFFECT = 24;

function withEffect(rows, columns) {
  if (!rows.has('effect')) return columns;
  const width = Math.max(LEAST_EFFECT, Math.min(MOST_WIDTH - widthOfAll(columns), widthOf(rows.texts.effect.slice(0, 1000), MOST_EFFECT)));
  const effect = { title: 'Gene and effect', column: 'effect', width, isLong: true, text: (row) => rows.text('effect', row) };
  const behind = columns.findIndex(({ column }) => column === 'distance_mean') + 1;
  return columns.toSpliced(behind, 0, effect);
}

function locusColumns(rows) {
  const several = rows.columns.state.some((state) => state !== rows.columns.state[0]);
  return withEffect(rows, [
    { title: 'Position', column: 'position', width: placeWidth, text: (row) => rows.place(row) },
    ...(isMany ? [{ title: 'Comparison', column: 'comparison', width: comparisonWidth, text: (row) => comparisonTexts[rows.columns.comparison[row]] }] : []),
    ...(rows.has('gained') ? [
      { title: 'Change', column: 'change', width: 4.8, text: (row) => rows.change(row) },
      { title: 'Share', column: 'shares', width: 7.2 + 2 * moreDigits, hint: 'Mean share of the base that gains, before and after', text: (row) => rows.shares(row) },
    ] : []),
    { title: 'Distance', column: 'distance_mean', width: 10 + 3 * moreDigits, text: (row) => rows.distance(row) },
    ...(several ? [{ title: 'State', column: 'state', width: 6.5, text: (row) => rows.state(row) }] : []),
    { title: 'Strand p', column: 'strand_p', width: 6.6, kind: 'number', hint: 'P-value of no dependence of bases on strands', text: (row) => pText(rows.text('strand_p', row)) },
    { title: 'P', column: 'p_changed', width: 5.2, kind: 'number', hint: 'Posterior probability that the distance exceeds the smallest one that counts', text: (row) => exactText(rows.columns.p_changed[row]) },
    { title: 'Depth 1', column: 'depth_1', width: 5.6, kind: 'number', text: depthColumn(rows, 'depth_1') },
    { title: 'Depth 2', column: 'depth_2', width: 5.6, kind: 'number', text: depthColumn(rows, 'depth_2') },
  ]);
}

function indelColumns(rows) {
  return withEffect(rows, [
    { title: 'Position', column: 'position', width: placeWidth, text: (row) => rows.place(row) },
    ...(isMany ? [{ title: 'Comparison', column: 'comparison', width: comparisonWidth, text: (row) => comparisonTexts[rows.columns.comparison[row]] }] : []),
    { title: 'Largest difference', column: 'events', width: 13 + 2 * moreDigits, text: (row) => foremostText(rows, row) },
    { title: 'Distance', column: 'distance_mean', width: 10 + 3 * moreDigits, text: (row) => rows.distance(row) },
    { title: 'State', column: 'state', width: 6.5, text: (row) => rows.state(row) },
  ]);
}

const noLocus = () => (settings.stats?.some(({ changed }) => changed) ? 'The table dist has no rows.' : 'No locus changed.');

async function showLoci() {
  const rows = new Rows('dist', await unpackOnce('dist'));
  byId('loci').hidden = false;
  if (!rows.length) {
    byId('loci').replaceChildren(make('p', { id: 'shown' }, noLocus()));
    return () => {};
  }
  let shown = new Uint32Array(0);
  const filters = new Filters(byId('filters'), rows, refresh);
  const step = (by) => {
    const row = neighbour(rows, shown, panel.row, by);
    if (row >= 0) choose(row);
  };
  const panel = new LocusPanel(byId('locus'), rows, step);
  const columns = locusColumns(rows);
  const listing = new Listing(byId('rows'), rows, columns, {
    label: 'Loci', choose: (row) => choose(row, { bring: true }), reorder: () => listing.show(shown), note: byId('rows-printed'),
  });
  const figure = new DistanceFigure(byId('distance'), byId('distance-caption'), rows, {
    choose: (row) => choose(row), step,
    narrow: (region, comparison) => { filters.form.elements.comparison.value = comparison; filters.set('where', region); },
  });
  place(byId('rows'), columns, LOCUS_WIDTH);
  byId('rows-saved').append(...rowsSaver(rows, () => shown));

  function refresh() {
    const wanted = filters.wanted();
    shown = rowFilter(rows, wanted);
    const cut = settings.rows.dist > rows.length ? ` (the file has ${written(settings.rows.dist)}; the page holds those with the largest distances)` : '';
    byId('shown').textContent = wanted.isRegion ? `${plural(shown.length, 'row')} of ${written(rows.length)}${cut}` : 'No contig or region of that name; all are shown.';
    listing.show(shown);
    return figure.show(shown, wanted);
  }

  async function choose(row, { bring = false } = {}) {
    const locus = rows.columns.locus[row];
    listing.mark((other) => rows.columns.locus[other] === locus, row);
    figure.mark(locus);
    await panel.show(row);
    if (bring) byId('locus').scrollIntoView({ block: 'nearest' });
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-row]');
    if (!link) return;
    event.preventDefault();
    const row = Number(link.dataset.row);
    if (!shown.includes(row)) filters.clear();
    choose(row);
    byId('distance-figure').scrollIntoView();
  });
  const drawing = refresh();
  if (shown.length) await choose(largestOf(rows, shown));
  await drawing;
  return (comparison) => { filters.set('comparison', comparison); byId('genome').scrollIntoView(); };
}

// The row of the next or previous locus that is shown.
function neighbour(rows, shown, row, by) {
  if (row === undefined || !shown.length) return shown.length ? shown[0] : -1;
  const { locus } = rows.columns;
  let place = shown.findIndex((other) => (by > 0 ? locus[other] > locus[row] : locus[other] >= locus[row]));
  if (by < 0) place = place < 0 ? shown.length - 1 : place - 1;
  return place < 0 || place >= shown.length ? -1 : shown[place];
}

function largestOf(rows, shown) {
  const { distance_mean: distance } = rows.columns;
  return shown.reduce((best, row) => (distance[row] > distance[best] ? row : best), shown[0]);
}

async function showIndels() {
  const rows = new Rows('idist', await unpackOnce('idist'));
  byId('indels-shown').textContent = rows.length ? plural(settings.rows.idist, 'row') : 'No indel changed.';
  byId('indel-loci').hidden = false;
  if (!rows.length) return;
  const shown = Uint32Array.from({ length: rows.length }, (_, row) => row);
  const panel = new IndelPanel(byId('indel'), rows);
  const columns = indelColumns(rows);
  const listing = new Listing(byId('indel-rows'), rows, columns, {
    label: 'Indels', choose, reorder: () => listing.show(shown), note: byId('indel-rows-printed'),
  });
  place(byId('indel-rows'), columns, INDEL_WIDTH);
  byId('indel-rows-saved').append(...rowsSaver(rows, () => shown));
  function choose(row) {
    listing.mark((other) => other === row, row);
    return panel.show(row);
  }
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-indel]');
    if (link) choose(Number(link.dataset.indel));
  });
  listing.show(shown);
  await choose(largestOf(rows, shown));
}

async function showAll() {
  showDownloads();
  const compare = settings.tables.includes('dist') ? await showLoci() : () => {};
  if (settings.tables.includes('idist')) await showIndels();
  await Promise.all([showStates(), showPairs(compare), showDepth()]);
}

showAll().then(() => { document.documentElement.dataset.ready = 'true'; }, (error) => {
  byId('summary').append(make('p', { class: 'absent', role: 'alert' }, `This page could not be drawn: ${error.message}`));
  throw error;
});
