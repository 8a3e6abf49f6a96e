// frames.js - messages, sizes and close codes as people read them

/* RFC 6455 section 7.4.1, and the registry that it began. */
const CODES = new Map([
  [1000, 'normal'], [1001, 'going away'], [1002, 'protocol error'],
  [1003, 'unsupported data'], [1005, 'no code given'],
  [1006, 'lost, without a Close'], [1007, 'invalid data'],
  [1008, 'policy violation'], [1009, 'message too big'],
  [1010, 'extension missing'], [1011, 'internal error'],
  [1012, 'service restart'], [1013, 'try again later'],
  [1014, 'bad gateway'], [1015, 'TLS failed'],
]);

export function describe(code) {
  const name = CODES.get(code) ?? (code >= 4000 ? 'the plugin’s own' : '');

  return name ? `${code} ${name}` : String(code);
}

/* "00 ff7f" as bytes, or null. */
export function bytesOf(text) {
  const digits = text.replace(/0x|[\s,:]/gi, '');

  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    return null;
  }
  return Uint8Array.from({ length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

const MOST_SHOWN = 4096;

export function hexOf(data) {
  const bytes = new Uint8Array(data.buffer ?? data);
  const hex = [...bytes.subarray(0, MOST_SHOWN)]
    .map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

  return bytes.length > MOST_SHOWN ? `${hex} …` : hex;
}

/* Text that is JSON, with its lines; other text as it is. */
export function prettyJson(text) {
  if (!/^\s*[[{]/.test(text)) {
    return text;
  }
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function sizeText(bytes) {
  return bytes < 10240 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KiB`;
}

/* By the clock, with milliseconds. */
export function stamp(date) {
  const two = (number) => String(number).padStart(2, '0');

  return `${two(date.getHours())}:${two(date.getMinutes())}:` +
    `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
