// The data of the page: unpacked when they are needed.

const settings = JSON.parse(byId('settings').textContent);

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
const frameNode = (name) => byId(`frame-${name}`);

async function inflated(name) {
  const text = frameNode(name).textContent;
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}

// Columns by name, and texts, by column, that numbers stand for.
async function unpack(name) {
  const buffer = await inflated(name);
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const columns = {};
  let offset = 4 + length;
  for (const [column, kind, count] of header.columns) {
    columns[column] = new ARRAYS[kind](buffer, offset, count);
    offset += Math.ceil(columns[column].byteLength / 8) * 8;
  }
  return { columns, texts: header.texts };
}

// Unpacks once what is needed as a whole, and forgets its packed text.
async function unpackOnce(name) {
  const frame = await unpack(name);
  frameNode(name).remove();
  return frame;
}

// The piece of a table that a locus is in; the last few are kept.
const pieces = new Map();
const MOST_PIECES = 8;

async function pieceOf(table, locus) {
  const number = Math.floor(locus / settings.lociPerChunk);
  const name = `${table}-${number}`;
  if (!pieces.has(name)) {
    pieces.set(name, unpack(name));
    if (pieces.size > MOST_PIECES) pieces.delete(pieces.keys().next().value);
  }
  return { ...(await pieces.get(name)), first: number * settings.lociPerChunk };
}
