// Does with the example what it is told, a line of JSON each.

import { createInterface } from 'node:readline';
import { inspect } from 'node:util';
import { AccessToken, NoTokenError, fetchWith } from './access-token.mjs';

let ahead = 0;
const options = Object.fromEntries(Object.entries(JSON.parse(process.argv[3])).map(([name, seconds]) => [name, seconds * 1000]));
const token = new AccessToken(process.argv[2], { now: () => Date.now() + ahead, ...options });
let last;

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
      if (inspect([token, last], { depth: 9, showHidden: true }).includes(last.authorization.split(' ')[1])) throw new Error('shown');
    }
    if (order.do === 'renew') said.authorization = (await token.renew(last))?.authorization ?? 'none';
    if (order.do === 'get many') said.authorization = await many(() => token.get());
    if (order.do === 'renew many') said.authorization = await many(() => token.renew(last));
    if (order.do === 'post') said.status = (await fetchWith(token, order.url, { method: 'POST', body: order.body })).status;
  } catch (error) {
    if (!(error instanceof NoTokenError)) throw error;
    said.error = error.message;
  }
  console.log(JSON.stringify(said));
}
