// Elements are made here and only here, and text is only ever set as text.

const byId = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (name === 'style') Object.assign(node.style, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const replace = (node, ...children) => node.replaceChildren(...children.filter((child) => child !== null));

function tableOf(heads, rows) {
  const cell = (tag, content, kind) => make(tag, { class: kind || null, scope: tag === 'th' ? 'col' : null }, content);
  return make('table', {},
    make('thead', {}, make('tr', {}, ...heads.map(([text, kind]) => cell('th', text, kind)))),
    make('tbody', {}, ...rows.map((row) => make('tr', {}, ...row.map((content, place) => cell('td', content, heads[place][1]))))));
}

const swatch = (base, colour) => make('span', { class: 'swatch', style: { background: colour } }, base);
