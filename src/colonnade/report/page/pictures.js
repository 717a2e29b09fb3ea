// Pictures are drawn by Vega from the page's specifications, in colours that follow those of the page: also when it is
// printed from a dark screen.

const drawn = new Map();

function pictureConfig() {
  const font = getComputedStyle(document.documentElement).getPropertyValue('--sans').trim();
  const colour = (name) => `var(--${name})`;
  const small = { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal' };
  return {
    background: 'transparent', font, view: { stroke: null },
    axis: { labelColor: colour('muted'), titleColor: colour('muted'), domainColor: colour('strong-line'), tickColor: colour('strong-line'),
      gridColor: colour('line'), titlePadding: 6, ...small },
    legend: { labelColor: colour('ink'), titleColor: colour('muted'), labelLimit: 140, ...small },
    header: { labelColor: colour('ink'), titleColor: colour('muted'), labelFontSize: 11 },
    text: { color: colour('ink') }, rule: { color: colour('muted') },
  };
}

// What numbers of samples stand for in pictures; the reference is the last.
const called = [...settings.samples, 'REF'];

// Draw a specification into a node: data by name, values of parameters, and what differs from the specification.
async function draw(node, name, { data = {}, parameters = {}, change = null, label = '' }) {
  const specification = structuredClone(settings.specifications[name]);
  const values = { called, ...parameters };
  for (const parameter of specification.params ?? []) {
    if (parameter.name in values) parameter.value = values[parameter.name];
  }
  if (change) change(specification);
  specification.datasets = { ...specification.datasets, ...data };
  const turn = (drawn.get(node)?.turn ?? 0) + 1;
  drawn.get(node)?.view?.finalize();
  drawn.set(node, { turn });
  const options = { actions: false, renderer: 'svg', mode: 'vega-lite', config: pictureConfig() };
  const { view } = await vegaEmbed(node, specification, options);
  if (drawn.get(node)?.turn !== turn) {
    view.finalize();
    return view;
  }
  drawn.get(node).view = view;
  const svg = node.querySelector('svg');
  if (svg && label) svg.setAttribute('aria-label', label);
  return view;
}

function forget(node) {
  drawn.get(node)?.view?.finalize();
  drawn.delete(node);
}
