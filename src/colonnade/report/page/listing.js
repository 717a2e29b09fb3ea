// A list of rows of any length: only those in view, and a few around them, are in the page.

const ROW_HEIGHT = 28, MARGIN_ROWS = 12, MOST_PRINTED = 200;

const widthOfAll = (columns) => columns.reduce((sum, column) => sum + column.width, 0);

// Stands a list beside the panel of what is chosen in it where both find room, else above it.
function place(list, columns, panelWidth) {
  const beside = list.closest('.beside');
  beside.style.setProperty('--panel', `${panelWidth}rem`);
  const arrange = () => {
    const room = (element, em) => em * parseFloat(getComputedStyle(element).fontSize);
    const gap = parseFloat(getComputedStyle(beside).columnGap) || 0;
    const needed = room(list.querySelector('table'), widthOfAll(columns)) + room(document.documentElement, panelWidth) + gap + 2;
    beside.classList.toggle('stacked', needed > beside.clientWidth);
  };
  new ResizeObserver(arrange).observe(beside);
  arrange();
}

class Listing {
  // columns: [{ title, column, width, kind, text }]; choose is called with a row.
  constructor(node, rows, columns, { label, choose, reorder, note }) {
    Object.assign(this, { rows, columns, choose, reorder, note, shown: new Uint32Array(0), sort: columns[0].column, descending: false });
    this.active = 0;
    this.chosen = () => false;
    this.heads = columns.map((column) => this.head(column));
    this.body = make('tbody');
    this.table = make('table', { role: 'grid', 'aria-label': label, style: { minWidth: `${widthOfAll(columns)}em` } },
      make('colgroup', {}, ...columns.map((column) => make('col', { style: { width: `${column.width}em` } }))),
      make('thead', {}, make('tr', {}, ...this.heads)), this.body);
    this.box = make('div', { class: 'listing', tabindex: 0, role: 'group', 'aria-label': `${label}: arrow keys move, Enter chooses`, scroll: () => this.fill(), keydown: (event) => this.press(event) }, this.table);
    this.id = `${node.id}-row`;
    node.append(this.box);
    addEventListener('beforeprint', () => this.print(true));
    addEventListener('afterprint', () => this.print(false));
  }

  head(column) {
    const button = make('button', { type: 'button', title: column.hint ?? `Sort by ${column.title}`, click: () => this.order(column.column) }, column.title);
    return make('th', { class: column.kind || null, scope: 'col', 'aria-sort': 'none' }, button);
  }

  order(column) {
    const largestFirst = ['distance_mean', 'depth_1', 'depth_2', 'p_changed', 'shares'].includes(column);
    this.descending = column === this.sort ? !this.descending : largestFirst;
    this.sort = column;
    this.reorder();
  }

  // Shows some rows, given in the order of the genome, in the chosen order.
  show(rows) {
    this.shown = this.rows.sorted(rows, this.sort, this.descending);
    this.heads.forEach((head, place) => {
      const isSorted = this.columns[place].column === this.sort;
      head.setAttribute('aria-sort', isSorted ? (this.descending ? 'descending' : 'ascending') : 'none');
      head.firstChild.textContent = this.columns[place].title + (isSorted ? (this.descending ? ' ↓' : ' ↑') : '');
    });
    this.table.setAttribute('aria-rowcount', this.shown.length + 1);
    this.active = 0;
    this.box.scrollTop = 0;
    this.fill();
  }

  fill(from = Math.floor(this.box.scrollTop / ROW_HEIGHT) - MARGIN_ROWS, count = Math.ceil((this.box.clientHeight || 500) / ROW_HEIGHT) + 2 * MARGIN_ROWS) {
    const first = Math.max(0, Math.min(from, this.shown.length - count));
    const last = Math.min(this.shown.length, first + count);
    const lines = [space(first)];
    for (let place = first; place < last; place++) lines.push(this.line(place));
    lines.push(space(this.shown.length - last));
    replace(this.body, ...lines);
    this.table.setAttribute('aria-activedescendant', `${this.id}-${this.active}`);
  }

  line(place) {
    const row = this.shown[place];
    const kinds = ['row', this.chosen(row) && 'chosen', place === this.active && 'active'].filter(Boolean).join(' ');
    const cells = this.columns.map((column) => make('td', { class: column.kind || null, role: 'gridcell', title: column.isLong ? column.text(row) : null }, column.text(row)));
    const attributes = { class: kinds, id: `${this.id}-${place}`, 'data-row': row, 'aria-rowindex': place + 2, 'aria-selected': String(this.chosen(row)) };
    return make('tr', { ...attributes, role: 'row', click: () => { this.active = place; this.choose(row); } }, ...cells);
  }

  press(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW_HEIGHT) - 2);
    const last = this.shown.length - 1;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -last, End: last };
    if (event.target !== this.box || last < 0) return;
    if (event.key === 'Enter' || event.key === ' ') this.choose(this.shown[this.active]);
    else if (event.key in steps) this.reveal(Math.max(0, Math.min(last, this.active + steps[event.key])));
    else return;
    event.preventDefault();
  }

  reveal(place) {
    this.active = place;
    const top = place * ROW_HEIGHT, room = this.box.clientHeight - 3 * ROW_HEIGHT;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top > this.box.scrollTop + room) this.box.scrollTop = top - room;
    this.fill();
  }

  // Marks the rows that are chosen, and brings one of them into view.
  mark(chosen, row) {
    this.chosen = chosen;
    const place = this.shown.indexOf(row);
    if (place >= 0) this.reveal(place);
    else this.fill();
  }

  print(isPrinting) {
    const more = this.shown.length - MOST_PRINTED;
    this.note.textContent = more > 0 ? `The first ${MOST_PRINTED} of ${written(this.shown.length)} rows; the files of the tables have all.` : '';
    if (!isPrinting) return this.fill();
    this.fill(0, MOST_PRINTED);
    return this.body.lastChild.remove();
  }
}

const space = (rows) => make('tr', { class: 'space', 'aria-hidden': 'true' }, make('td', { style: { height: `${rows * ROW_HEIGHT}px` } }));
