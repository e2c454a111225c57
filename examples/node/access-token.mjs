// Read the access token that token-refresh publishes in Secrets Manager.
//
//   const token = new AccessToken('token-refresh/hesabe/default/access');
//   const response = await fetchWith(token, 'https://merchantapi.hesabe.com/api/…');
//
// Needs Node 20 and @aws-sdk/client-secrets-manager, which Lambda's runtimes bring along,
// and for its role the managed policy of the stack's output HesabeAccessReader. Make one
// AccessToken a secret and share it. Copy this file.

import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/** There is no token with enough life left. The message says why. */
export class NoTokenError extends Error {
  name = 'NoTokenError';
}

/** A token as it is published. Times are milliseconds since the epoch. */
class Published {
  #authorization; // private, so that no log shows them
  #reply;

  constructor(text) {
    try {
      const document = JSON.parse(text);
      this.#authorization = `${word(document.token_type || 'Bearer')} ${word(document.access_token)}`;
      this.expiresAt = moment(document.access_expires_at);
      this.refreshAt = moment(document.refresh_at);
      const id = document.attempt_id;
      this.attemptId = typeof id === 'string' ? id : ''; // names the attempt that got it; empty: not known
      const reply = document.reply;
      this.#reply = reply && typeof reply === 'object' && !Array.isArray(reply) ? reply : {};
      return;
    } catch {} // its message would quote the text
    throw new NoTokenError('the secret does not hold an access token as token-refresh writes it');
  }

  /** The value of the Authorization header. */
  get authorization() {
    return this.#authorization;
  }

  /** The fields of the provider's reply that the credentials publish, such as instance_url. */
  get reply() {
    return this.#reply;
  }

  equals(other) {
    return this.#authorization === other?.authorization;
  }
}

/** Returns text without white space around it. A header's word is visible ASCII. */
function word(text) {
  const trimmed = text.trim();
  if (!/^[!-~]+$/.test(trimmed)) throw new TypeError();
  return trimmed;
}

function moment(text) {
  const at = typeof text === 'string' ? Date.parse(text) : NaN;
  if (Number.isNaN(at)) throw new TypeError();
  return at;
}

const rejected = new Set(); // the secrets and attempts that onRejected was called for in this process

function milliseconds(name, value, otherwise) {
  const chosen = value ?? otherwise;
  if (!Number.isFinite(chosen) || chosen < 0) throw new TypeError(`${name} must be a number of milliseconds`);
  return chosen;
}

const between = (least, most) => least + Math.random() * (most - least);

/**
 * Keeps the token until its refresh is due, and never to its last minLife ms. When the
 * refresh is late, or a read fails, it hands out the held token for as long as that has
 * minLife left, and reads again each 5 to 10 s.
 *
 * onRejected is called with the attempt id of a token that the provider refused although
 * it is the one published: it was revoked before its time. Put the event "Token Rejected"
 * on the bus there, and the refresh function replaces the token (docs/events.md has the
 * call). It is called once for each id in this process, after up to spread ms at random,
 * and not if another token is published by then.
 */
export class AccessToken {
  #options;
  #secretId;
  #held;
  #since = 0; // when that was read first
  #error;
  #until = 0; // when to read again
  #reading; // under way: all wait for the one read
  #renewing; // under way: all whose token was refused wait for the one
  #unchangedUntil = 0; // until when nobody looks for a successor again

  constructor(secretId, { minLife, gap, timeout, spread, onRejected, client, now } = {}) {
    this.#secretId = secretId;
    this.#options = {
      minLife: milliseconds('minLife', minLife, 30_000),
      gap: milliseconds('gap', gap, 2_000), // how long renew() goes on reading while a refresh is due
      timeout: milliseconds('timeout', timeout, 10_000), // of a read
      spread: milliseconds('spread', spread, 10_000),
      onRejected,
      client: client ?? new SecretsManagerClient({}),
      now: now ?? Date.now,
    };
  }

  /** Returns a token with minLife left, or throws NoTokenError. */
  async get() {
    if (this.#options.now() >= this.#until) await this.#read();
    if (this.#error) throw this.#error;
    return this.#held;
  }

  /**
   * Returns another token than refused, which the provider answered with a 401, or
   * undefined. Hesabe revokes the old token before the new one is published: while the
   * refresh is due this goes on reading for gap ms.
   */
  async renew(refused) {
    if (refused.equals(this.#held)) {
      this.#renewing ??= this.#look(refused).finally(() => {
        this.#renewing = undefined;
      });
      await this.#renewing;
    }
    if (this.#error) throw this.#error;
    return refused.equals(this.#held) ? undefined : this.#held;
  }

  /** Reads until another token than refused is there, or it is not worth while. */
  async #look(refused) {
    const { now, gap } = this.#options;
    if (now() < this.#unchangedUntil) return; // a 401 for another reason, as it seems
    const end = performance.now() + gap;
    await this.#reading; // it may have begun before the refusal
    let known = false;
    for (let wait = 100; refused.equals(this.#held); wait *= 2) {
      known = await this.#read();
      const left = end - performance.now();
      if (left <= 0 || now() < refused.refreshAt - 10_000) break; // 10 s: clocks differ
      if (refused.equals(this.#held)) await sleep(Math.min(left, wait * between(0.5, 1.5)));
    }
    if (!refused.equals(this.#held)) return;
    this.#unchangedUntil = now() + between(5_000, 10_000);
    if (known) this.#reject(this.#held.attemptId);
  }

  /** Calls onRejected in a while, once for each attempt. */
  #reject(attemptId) {
    const { onRejected, spread, now } = this.#options;
    const rejection = `${this.#secretId} ${attemptId}`;
    if (!onRejected || !attemptId || rejected.has(rejection)) return;
    rejected.add(rejection);
    // The function takes no rejection of a token that it published less than 10 s ago.
    const wait = Math.max(between(0, spread), this.#since + 12_000 - now());
    setTimeout(async () => {
      await this.#read();
      if (this.#held.attemptId !== attemptId) return;
      try {
        await onRejected(attemptId);
      } catch (error) {
        console.error('onRejected failed:', error); // thrown on, it would end the process
      }
    }, wait).unref();
  }

  /** Reads what is published; false if that failed. It never throws: #error says what get throws. */
  #read() {
    this.#reading ??= this.#readNow().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readNow() {
    const { client, timeout, now: clock, minLife } = this.#options;
    let failure;
    try {
      const command = new GetSecretValueCommand({ SecretId: this.#secretId, VersionStage: 'AWSCURRENT' });
      const answer = await client.send(command, { abortSignal: AbortSignal.timeout(timeout) });
      const published = new Published(answer.SecretString);
      if (!published.equals(this.#held)) this.#unchangedUntil = 0;
      if (published.attemptId !== this.#held?.attemptId) this.#since = clock();
      this.#held = published;
    } catch (error) {
      failure = error;
    }
    const now = clock();
    const end = (this.#held?.expiresAt ?? 0) - minLife;
    if (now <= end) {
      this.#error = undefined;
      const fresh = !failure && this.#held.refreshAt > now;
      this.#until = Math.min(end, fresh ? this.#held.refreshAt : now + between(5_000, 10_000));
      return !failure;
    }
    this.#until = now + between(1_000, 2_000);
    let why = `the token expires in ${Math.round((this.#held?.expiresAt - now) / 1000)} s, and none newer is published`;
    if (failure instanceof SyntaxError) failure = new NoTokenError("AWS's answer is not JSON"); // it quotes the answer
    if (failure) why = failure instanceof NoTokenError ? failure.message : String(failure);
    this.#error = new NoTokenError(`access token of ${this.#secretId}: ${why}`, { cause: failure });
    return !failure;
  }
}

/**
 * Is fetch with the token; after a 401 once more, with the next token. Call it with
 * requests to the token's provider alone; fetch takes no token along to where a redirect
 * leads off it. A body that lies in memory is sent again. A stream, or an async iterable,
 * is used up: the 401 is the answer, and the next call has the next token.
 */
export async function fetchWith(token, input, init) {
  const request = new Request(input, init);
  const again = request.body === null ? request : inMemory(request) ? request.clone() : undefined;
  const dispatcher = init?.dispatcher ? { dispatcher: init.dispatcher } : undefined; // which a clone loses
  const send = (carrier, { authorization }) => {
    carrier.headers.set('Authorization', authorization);
    return fetch(carrier, dispatcher);
  };
  const published = await unlessAborted(request.signal, token.get());
  const response = await send(request, published);
  const elsewhere = response.redirected && new URL(response.url).origin !== new URL(request.url).origin;
  if (response.status !== 401 || elsewhere) return response;
  const renewed = token.renew(published).catch(() => undefined); // the 401 says more
  if (!again) return response;
  const next = await unlessAborted(request.signal, renewed);
  if (!next) return response;
  await response.body?.cancel().catch(() => {}); // its connection may have broken
  return send(again, next);
}

/** Reports whether the body can be sent twice: the standard takes no other in this mode. */
function inMemory(request) {
  const copy = request.clone();
  try {
    return Boolean(new Request(copy, { mode: 'no-cors', method: 'POST' }));
  } catch {
    copy.body.cancel().catch(() => {}); // or it would keep what the request sends
    return false;
  }
}

/** Is the promise, or the reason of the signal where that comes first. */
function unlessAborted(signal, promise) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
