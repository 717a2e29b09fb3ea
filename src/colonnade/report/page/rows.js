// The rows of dist or idist: their texts, their order, and which of them are wanted.

class Rows {
  constructor(table, { columns, texts }) {
    this.table = table;
    this.columns = columns;
    this.texts = texts;
    this.length = columns.position.length;
    this.ranks = new Map();
  }

  has(column) { return column in this.columns; }

  text(column, row) {
    const code = this.columns[column][row];
    return code === MISSING_4 ? '' : this.texts[column][code];
  }

  place(row) { return placeText(this.columns.contig[row], this.columns.position[row]); }

  state(row) { return settings.states[this.columns.state[row]]; }

  distance(row) {
    const { low, high } = this.ends(row);
    return intervalText(this.columns.distance_mean[row], low, high);
  }

  ends(row) {
    if (!settings.intervalColumns) return { low: MISSING_2, high: MISSING_2 };
    const [low, high] = settings.intervalColumns.map((column) => this.columns[column][row]);
    return { low, high };
  }

  change(row) {
    const { lost, gained } = this.columns;
    return gained[row] === settings.bases.length ? '' : `${settings.bases[lost[row]]} → ${settings.bases[gained[row]]}`;
  }

  shares(row) {
    const { before, after } = this.columns;
    return before[row] === MISSING_2 ? '' : `${shareText(before[row])} → ${shareText(after[row])}`;
  }

  strandsDisagree(row) {
    if (!this.has('strand_p')) return false;
    const text = this.text('strand_p', row);
    return text !== '' && Number(text) < settings.minStrandP;
  }

  // Numbers that sort as a column does, less than 2^33.
  keys(column) {
    const { columns } = this;
    if (column === 'change') return (row) => columns.lost[row] * 8 + columns.gained[row];
    if (column === 'shares') return (row) => columns.after[row];
    if (!(column in this.texts)) return (row) => columns[column][row];
    if (!this.ranks.has(column)) this.ranks.set(column, rankTexts(this.texts[column]));
    const ranks = this.ranks.get(column);
    return (row) => (columns[column][row] === MISSING_4 ? 0 : 1 + ranks[columns[column][row]]);
  }

  // Some rows in the order of a column: number and row lie in one float, which sorts fast and keeps equals in order.
  sorted(rows, column, descending) {
    if (column === 'position') return descending ? rows.slice().reverse() : rows;
    const key = this.keys(column);
    const both = new Float64Array(rows.length);
    for (let i = 0; i < rows.length; i++) both[i] = (descending ? KEYS - key(rows[i]) : key(rows[i])) * PLACES + rows[i];
    both.sort();
    return Uint32Array.from(both, (number) => number % PLACES);
  }

  // One line of the table as the program writes it.
  line(row) {
    const pair = settings.comparisons[this.columns.comparison[row]];
    return settings.columns[this.table].map(([column, type]) => {
      if (column === 'contig') return axis.contigs[this.columns.contig[row]];
      if (column === 'reference') return settings.letters[this.columns.reference[row]];
      if (column === 'state') return this.state(row);
      if (column === 'sample_1') return pair[0];
      if (column === 'sample_2') return pair[1];
      const value = this.columns[column][row];
      if (type === 'integer') return value === MISSING_4 ? '' : String(value);
      return type === 'number' ? exactText(value) : this.text(column, row);
    }).join('\t');
  }
}

const PLACES = 2 ** 19;  // more than rows in a page
const KEYS = 2 ** 33;

// Texts by rank: as numbers where they all are, else by letter.
function rankTexts(texts) {
  const numbers = texts.map(Number);
  const areNumbers = numbers.every((number) => !Number.isNaN(number));
  const places = texts.map((_, place) => place);
  places.sort(areNumbers ? (a, b) => numbers[a] - numbers[b] : (a, b) => (texts[a] < texts[b] ? -1 : 1));
  const ranks = new Uint32Array(texts.length);
  places.forEach((place, rank) => { ranks[place] = rank; });
  return ranks;
}

const comparisonTexts = settings.comparisons.map(([one, two]) => (two === 'REF' ? `REF → ${one}` : `${one} → ${two}`));

// Which rows are wanted: a test of each row, made once from all conditions.
function rowFilter(rows, wanted) {
  const { columns } = rows;
  const tests = [];
  if (wanted.comparison >= 0) tests.push((row) => columns.comparison[row] === wanted.comparison);
  if (wanted.state >= 0) tests.push((row) => columns.state[row] === wanted.state);
  if (wanted.region.contig >= 0) {
    const { contig, from, to } = wanted.region;
    tests.push((row) => columns.contig[row] === contig && columns.position[row] >= from && columns.position[row] <= to);
  }
  if (wanted.least > 0) tests.push((row) => columns.distance_mean[row] >= wanted.least);
  if (wanted.gene && rows.has('genes')) tests.push(codeTest(columns.genes, rows.texts.genes, (text) => text.split('\n').includes(wanted.gene)));
  if (wanted.text) tests.push(textTest(rows, wanted.text.toLowerCase()));
  const shown = new Uint32Array(rows.length);
  let count = 0;
  for (let row = 0; row < rows.length; row++) {
    if (tests.every((test) => test(row))) shown[count++] = row;
  }
  return shown.slice(0, count);
}

function codeTest(codes, texts, test) {
  const fits = texts.map(test);
  return (row) => fits[codes[row]] === true;
}

function textTest(rows, text) {
  const has = (other) => other.toLowerCase().includes(text);
  const { columns } = rows;
  const digits = text.replaceAll(',', '');
  const tests = [
    codeTest(columns.comparison, comparisonTexts, has),
    codeTest(columns.contig, axis.contigs, has),
    codeTest(columns.state, settings.states, has),
    ...['effect', 'events'].filter((column) => rows.has(column)).map((column) => codeTest(columns[column], rows.texts[column], has)),
  ];
  if (/^\d+$/.test(digits)) tests.push((row) => String(columns.position[row]).includes(digits));
  const bases = text.replaceAll(' ', '').replace('>', '→');
  if (rows.has('gained')) tests.push((row) => rows.change(row).toLowerCase().replaceAll(' ', '').includes(bases));
  return (row) => tests.some((test) => test(row));
}
