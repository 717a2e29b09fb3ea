// What the person at the page wants to see of the loci.

class Filters {
  constructor(form, rows, changed) {
    const choices = (name, title, first, texts) => {
      const select = make('select', { name }, make('option', { value: '' }, first), ...texts.map(([value, text]) => make('option', { value }, text)));
      return make('label', {}, title, select);
    };
    const numbered = (texts) => texts.map((text, number) => [number, text]);
    const present = settings.states.map((state, number) => [number, state]).filter(([number]) => rows.columns.state.includes(number));
    const genes = rows.has('genes') ? [...new Set(rows.texts.genes.flatMap((text) => text.split('\n')))].sort() : [];
    const input = (name, title, more) => make('label', {}, title, make('input', { name, ...more }));
    const example = isOneContig ? '500-1,000' : `${axis.contigs[0]}:500-1,000`;
    form.append(
      choices('comparison', 'Comparison', 'all', numbered(comparisonTexts)),
      choices('state', 'State', 'all', present),
      input('where', 'Contig or region', { type: 'search', placeholder: example, spellcheck: 'false' }),
      input('least', 'Least distance', { type: 'number', min: 0, max: 1, step: 0.01 }),
      ...(genes.length ? [choices('gene', 'Gene', 'all', genes.map((gene) => [gene, gene]))] : []),
      input('text', 'Any text', { type: 'search', placeholder: 'T>C, a sample, …', spellcheck: 'false' }),
      make('button', { type: 'button', click: () => this.clear() }, 'Show all'));
    this.form = form;
    this.changed = changed;
    const changedState = present.find(([, state]) => state === 'changed');
    if (present.length > 1 && changedState) form.elements.state.value = changedState[0];
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', () => { clearTimeout(this.waiting); this.waiting = setTimeout(changed, 120); });
  }

  clear() {
    for (const field of this.form.elements) if (field.name) field.value = '';
    this.form.elements.where.setCustomValidity('');
    this.changed();
  }

  set(name, value) {
    this.form.elements[name].value = value;
    this.changed();
  }

  // The conditions, a region that is none left out.
  wanted() {
    const { comparison, state, where, least, gene, text } = this.form.elements;
    const region = parseRegion(where.value);
    where.setCustomValidity(region ? '' : 'a contig, or a region such as chr1:1,001-2,000');
    const number = (field) => (field.value === '' ? -1 : Number(field.value));
    return {
      comparison: number(comparison), state: number(state), region: region ?? parseRegion(''), isRegion: region !== null,
      least: Math.round((Number(least.value) || 0) * settings.unit), gene: gene?.value ?? '', text: text.value.trim(),
    };
  }
}
