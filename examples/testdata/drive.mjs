// Does with the example what it is told, a line of JSON each.

import { createInterface } from 'node:readline';
import { EventEmitter, on } from 'node:events';
import { inspect } from 'node:util';
import { AccessToken, NoTokenError, fetchWith } from './access-token.mjs';

let ahead = 0;
const options = Object.fromEntries(Object.entries(JSON.parse(process.argv[3])).map(([name, seconds]) => [name, seconds * 1000]));
const reports = new EventEmitter();
const unread = on(reports, 'rejected');
const onRejected = options.spread && ((id) => reports.emit('rejected', id));
const token = new AccessToken(process.argv[2], { now: () => Date.now() + ahead, minLife: undefined, onRejected, ...options });
let last;

async function* chunks(text) {
  for (const c of text) yield Buffer.from(c);
}

function form(text) {
  const all = new FormData();
  all.set('order', new Blob([text]), 'order.txt');
  return all;
}

// What can be sent, by the name that a test gives it: the arguments of fetch.
const headers = { 'X-Kept': 'kept' };
const post = (body, more) => ({ method: 'POST', body, headers, ...more });
const sends = {
  text: (url, text) => [url, post(text)],
  bytes: (url, text) => [new URL(url), post(Buffer.from(text))],
  blob: (url, text) => [url, post(new Blob([text]))],
  form: (url, text) => [url, post(form(text))],
  parameters: (url, text) => [url, post(new URLSearchParams(text))],
  'request without a body': (url) => [new Request(url, { headers })],
  'request with text': (url, text) => [new Request(url, post(text))],
  'request with another body': (url, text) => [new Request(url, post('nothing')), { body: text }],
  'aborted': (url, text) => [url, post(text, { signal: AbortSignal.abort() })],
  'once: stream': (url, text) => [url, post(new Blob([text]).stream(), { duplex: 'half' })],
  'once: iterable': (url, text) => [url, post(chunks(text), { duplex: 'half' })],
  'once: request with a stream': (url, text) => [new Request(url, post(chunks(text), { duplex: 'half' }))],
};

async function many(what) {
  const tokens = await Promise.all(Array.from({ length: 20 }, what));
  return [...new Set(tokens.map((t) => t?.authorization ?? 'none'))].join(' ');
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  const said = {};
  try {
    if (order.do === 'advance') ahead += order.seconds * 1000;
    if (order.do === 'get') {
      last = await token.get();
      said.authorization = last.authorization;
      said.instance = last.reply.instance_url ?? '';
      const shown = inspect([token, last], { depth: 9, showHidden: true });
      if (shown.includes(last.authorization.split(' ')[1]) || shown.includes('planted')) throw new Error('shown');
    }
    if (order.do === 'renew') said.authorization = (await token.renew(last))?.authorization ?? 'none';
    if (order.do === 'get many') said.authorization = await many(() => token.get());
    if (order.do === 'renew many') said.authorization = await many(() => token.renew(last));
    if (order.do === 'kinds') said.kinds = Object.keys(sends);
    if (order.do === 'send') said.status = (await fetchWith(token, ...sends[order.kind](order.url, order.body))).status;
    if (order.do === 'rejected') said.rejected = (await unread.next()).value[0];
  } catch (error) {
    if (!(error instanceof NoTokenError) && error.name !== 'AbortError') throw error;
    said.error = error.message;
    said.trace = inspect(error, { depth: 9, showHidden: true });
  }
  console.log(JSON.stringify(said));
}
