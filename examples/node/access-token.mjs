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
  #authorization; // private, so that no log shows it

  constructor(text) {
    try {
      const document = JSON.parse(text);
      this.#authorization = `${document.token_type || 'Bearer'} ${document.access_token}`;
      this.expiresAt = Date.parse(document.access_expires_at);
      this.refreshAt = Date.parse(document.refresh_at);
      if (document.access_token && this.expiresAt && this.refreshAt) return;
    } catch {} // its message would quote the text
    throw new NoTokenError('the secret does not hold an access token as token-refresh writes it');
  }

  /** The value of the Authorization header. */
  get authorization() {
    return this.#authorization;
  }

  equals(other) {
    return this.#authorization === other?.authorization;
  }
}

const between = (least, most) => least + Math.random() * (most - least);

/**
 * Keeps the token until its refresh is due, and never to its last minLife ms. When the
 * refresh is late, or a read fails, it hands out the held token for as long as that has
 * minLife left, and reads again each 5 to 10 s.
 */
export class AccessToken {
  #options;
  #secretId;
  #held;
  #error;
  #until = 0; // when to read again
  #reading; // under way: all wait for the one read
  #renewing; // under way: all whose token was refused wait for the one
  #unchangedUntil = 0; // until when nobody looks for a successor again

  constructor(secretId, options = {}) {
    this.#secretId = secretId;
    this.#options = {
      minLife: 30_000,
      gap: 2_000, // how long renew() goes on reading while a refresh is due
      timeout: 10_000, // of a read
      client: options.client ?? new SecretsManagerClient({}),
      now: Date.now,
      ...options,
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
    for (let wait = 100; refused.equals(this.#held); wait *= 2) {
      await this.#read();
      const left = end - performance.now();
      if (left <= 0 || now() < refused.refreshAt - 10_000) break; // 10 s: clocks differ
      if (refused.equals(this.#held)) await sleep(Math.min(left, wait * between(0.5, 1.5)));
    }
    if (refused.equals(this.#held)) this.#unchangedUntil = now() + between(5_000, 10_000);
  }

  /** Reads what is published. It never throws: #error says what get throws. */
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
      return;
    }
    this.#until = now + between(1_000, 2_000);
    let why = `the token expires in ${Math.round((this.#held?.expiresAt - now) / 1000)} s, and none newer is published`;
    if (failure) why = failure instanceof NoTokenError ? failure.message : String(failure);
    this.#error = new NoTokenError(`access token of ${this.#secretId}: ${why}`, { cause: failure });
  }
}

/**
 * Is fetch with the token; after a 401 once more, with the next token. Call it with
 * requests to the token's provider alone; fetch takes no token along to where a redirect
 * leads off it. A body that is a stream is not sent again.
 */
export async function fetchWith(token, url, init = {}) {
  const send = ({ authorization }) => {
    const headers = new Headers(init.headers);
    headers.set('Authorization', authorization);
    return fetch(url, { ...init, headers });
  };
  const published = await token.get();
  const response = await send(published);
  if (response.status !== 401) return response;
  const next = await token.renew(published).catch(() => undefined); // the 401 says more
  if (!next || init.body instanceof ReadableStream) return response;
  await response.body?.cancel();
  return send(next);
}
