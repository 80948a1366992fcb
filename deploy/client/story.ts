// The demo's story, told with clients that are generated from what the services say of themselves. Whatever is not as
// the story has it ends the program with an error.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, refused } from './answers.js';
import { operator, person } from './callers.js';
import * as auth from './generated/auth/index.js';
import * as events from './generated/events/index.js';
import * as likes from './generated/likes/index.js';
import * as pizzas from './generated/pizza/index.js';
import { client as pizzaService } from './generated/pizza/client.gen.js';

const say = (what: string, which: string) => console.log(`${what.padEnd(58)} ${which}`);

// She signs up and logs in.
const username = `ann-${randomUUID().slice(0, 8)}`;
const password = 'correct horse battery staple';
const { data: user } = await expect(201, auth.createUser({ body: { username, password, email: `${username}@example.com` } }));
const { response: login } = await expect(201, auth.createSession({ body: { username, password } }));
const ann = person(login);
say(`${username} signs up and logs in`, `user ${user.id}`);

// She uploads pizzas and likes one of the house.
const uploaded: number[] = [];
for (const title of ['Margherita', 'Marinara', 'Quattro stagioni']) {
  const { data: pizza } = await expect(201, pizzas.createPizza({ auth: ann, body: { title } }));
  assert.equal(pizza.creator, user.id);
  uploaded.push(pizza.id);
}
say('uploads pizzas', `pizzas ${uploaded.join(', ')}`);

const { data: house } = await expect(201, pizzas.createPizza({ auth: operator, body: { title: 'Capricciosa' } }));
assert.equal(house.creator, null);
const { data: like } = await expect(201, likes.createLike({ auth: ann, body: { pizza: house.id } }));
assert.equal(like.user, user.id);
say('likes a pizza of the house', `like ${like.id} of pizza ${house.id}`);

// She hosts an event around one of them and attends it.
const [margherita = 0] = uploaded;
const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString();
const evening = { title: 'Pizza night', place: 'Town hall', starts_at: tomorrow, pizza: margherita };
const { data: event } = await expect(201, events.createEvent({ auth: ann, body: evening }));
assert.equal(event.host, user.id);
const attendance = { id: event.id, user: user.id };
await expect(201, events.putAttendance({ auth: ann, path: attendance, body: { status: 'going' } }));
say('hosts an event and attends it', `event ${event.id}`);

// She reads the list of her pizzas, two on a page, as far as there is a next one.
const read: number[] = [];
let turned = 1;
let page = await expect(200, pizzas.listPizzas({ query: { creator: user.id, limit: 2 } }));
for (;;) {
  assert.equal(page.data.count, uploaded.length);
  read.push(...page.data.results.map((pizza) => pizza.id));
  if (page.data.next === null) break;
  const { origin, pathname, search } = new URL(page.data.next);
  page = await expect(200, pizzaService.get<pizzas.ListPizzasResponses>({ baseUrl: origin, url: pathname + search }));
  turned++;
}
assert.deepEqual(read, uploaded);
assert.equal(turned, 2);
say('pages through her pizzas', `${read.length} on ${turned} pages`);

// She edits one. Who has read it before that, and writes now, is told so.
const path = { id: margherita };
const { tag: old } = await expect(200, pizzas.getPizza({ path }));
assert.match(old, /^".+"$/, 'it has a strong tag');
const edit = { auth: ann, path, headers: { 'If-Match': old } };
const { data: edited, tag } = await expect(200, pizzas.patchPizza({ ...edit, body: { description: 'Tomato, mozzarella, basil.' } }));
assert.equal(edited.description, 'Tomato, mozzarella, basil.');
assert.notEqual(tag, old);
const problem = await refused(412, pizzas.patchPizza({ ...edit, body: { description: 'Tomato and garlic.' } }));
assert.equal(problem.type, 'urn:problem:precondition-failed');
const { data: kept } = await expect(200, pizzas.getPizza({ path }));
assert.deepEqual(kept, edited);
say('edits one; with the tag from before, that is refused', `${old} → ${tag}, ${problem.status} ${problem.title}`);

// She asks to be forgotten, and is.
const asked = Date.now();
let { data: erasure } = await expect(202, auth.deleteUser({ auth: ann, path: { uuid: user.id } }));
say('asks to be forgotten', `erasure ${erasure.id}\n`);
while (erasure.state !== 'complete') {
  assert.ok(Date.now() < asked + 30_000, `the erasure is not complete: ${JSON.stringify(erasure)}`);
  await sleep(100);
  ({ data: erasure } = await expect(200, auth.getErasure({ path: { id: erasure.id } })));
}
console.log(`erasure ${erasure.state} after ${Date.now() - asked} ms`);
for (const { service, state, deleted, left } of erasure.holders) {
  const rows = Object.entries(deleted).map(([table, count]) => `${table} ${count}`);
  console.log(`  ${service.padEnd(7)} ${state.padEnd(7)} deleted ${rows.sort().join(', ').padEnd(28)} left ${left}`);
  assert.equal(state, 'erased');
  assert.equal(left, 0);
}
assert.deepEqual(Object.fromEntries(erasure.holders.map(({ service, deleted }) => [service, deleted])), {
  auth: { users: 1, sessions: 1 },
  pizza: { pizzas: 3 },
  likes: { likes: 1 },
  events: { events: 1, attendances: 1 },
});
await refused(404, pizzas.getPizza({ path }));
