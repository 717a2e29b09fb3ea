// How numbers are written: thousands with separators, an interval behind its mean.

const MISSING_2 = 65535, MISSING_4 = 4294967295;

const written = (number) => number.toLocaleString('en-US');

// Two decimals, and more where smaller distances count as changes: the page's texts are written so too.
const shareText = (units) => (units === MISSING_2 ? '' : (units / settings.unit).toFixed(settings.decimals));

function intervalText(mean, low, high) {
  if (mean === MISSING_2) return '';
  return shareText(mean) + (low === MISSING_2 || high === MISSING_2 ? '' : ` (${shareText(low)}–${shareText(high)})`);
}

// A number as the tables have it, with all its decimals.
function exactText(units) {
  if (units === MISSING_2) return '';
  const digits = String(settings.unit).length - 1;
  return (units / settings.unit).toFixed(digits);
}

// A p-value of 0 stands for anything below 1e-260; 1 has a decimal in the tables, for readers that guess types.
const pText = (text) => ({ '0.0': '< 1e-260', '1.0': '1' })[text] ?? text;

const plural = (count, one, many = `${one}s`) => `${written(count)} ${count === 1 ? one : many}`;

function bytesText(bytes) {
  if (bytes < 1024) return plural(bytes, 'byte');
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
