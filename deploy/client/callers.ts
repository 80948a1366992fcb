import { setting } from './setting.js';
import type { Auth } from './generated/auth/core/auth.gen.js';
import { client as auth } from './generated/auth/client.gen.js';
import { client as pizza } from './generated/pizza/client.gen.js';
import { client as likes } from './generated/likes/client.gen.js';
import { client as events } from './generated/events/client.gen.js';

// Where a service has its API, its document says relative to its own address.
for (const [service, client] of Object.entries({ auth, pizza, likes, events })) {
  client.setConfig({ baseUrl: setting(`${service.toUpperCase()}_URL`) + client.getConfig().baseUrl });
}

/** Somebody who calls: has an answer to a security scheme of the documents, or none. */
export type Caller = (scheme: Auth) => string | undefined;

/** Whoever has logged in with this answer: a browser would keep the cookie, fetch does not. Every service takes it. */
export function person(login: Response): Caller {
  const cookies = new Map(
    login.headers.getSetCookie().map((cookie): [string, string] => {
      const [pair = ''] = cookie.split(';');
      return [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    }),
  );
  return (scheme) => (scheme.in === 'cookie' ? cookies.get(scheme.name ?? '') : undefined);
}

/** The operator, who speaks for the house. */
export const operator: Caller = (scheme) => (scheme.scheme === 'bearer' ? btoa(setting('OPERATOR_TOKEN')) : undefined);
