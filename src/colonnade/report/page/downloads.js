// What can be saved from the page: files as they are, and rows of what is shown.

function save(name, parts) {
  const link = make('a', { href: URL.createObjectURL(new Blob(parts)), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const ROWS_AT_ONCE = 10000;

function saveRows(rows, shown, name) {
  const parts = [`${settings.columns[rows.table].map(([column]) => column).join('\t')}\n`];
  for (let from = 0; from < shown.length; from += ROWS_AT_ONCE) {
    parts.push(Array.from(shown.subarray(from, from + ROWS_AT_ONCE), (row) => `${rows.line(row)}\n`).join(''));
  }
  save(name, parts);
}

function rowsSaver(rows, shown) {
  const name = (kind) => `${settings.name}.${rows.table}.${kind}.tsv`;
  const all = Uint32Array.from({ length: rows.length }, (_, row) => row);
  return [
    make('button', { type: 'button', click: () => saveRows(rows, shown(), name('shown')) }, 'Save the rows shown'),
    make('button', { type: 'button', click: () => saveRows(rows, all, name('all')) }, 'Save all rows'),
  ];
}

function showDownloads() {
  const lines = settings.files.map(({ table, name, bytes, held }) => {
    const saving = make('button', { type: 'button', click: async () => save(name, [await inflated(`file-${table}`)]) }, 'Save');
    return [make('code', {}, name), bytesText(bytes), held ? saving : 'too large to be in this page; it is beside the other files of the result'];
  });
  replace(byId('downloads'), tableOf([['file'], ['size', 'number'], ['']], lines));
}
