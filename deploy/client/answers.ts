import assert from 'node:assert/strict';

/** An answer, as the generated functions give it: data, or the problem that it is. */
interface Answer<Data, Problem> {
  data?: Data;
  error?: Problem;
  request: Request;
  response: Response;
}

/** Returns what came with this status, and its tag; any other status ends the story. */
export async function expect<Data>(status: number, call: Promise<Answer<Data, unknown>>) {
  const answer = await want(status, call);
  return { data: answer.data as Data, tag: answer.response.headers.get('ETag') ?? '', response: answer.response };
}

/** Returns the problem that came with this status; any other status ends the story. */
export async function refused<Problem>(status: number, call: Promise<Answer<unknown, Problem>>) {
  return (await want(status, call)).error as Problem;
}

async function want<Data, Problem>(status: number, call: Promise<Answer<Data, Problem>>) {
  const answer = await call;
  const { request, response, error, data } = answer;
  assert.equal(response.status, status, `${request.method} ${request.url}: ${response.status}, not ${status}: ${JSON.stringify(error ?? data)}`);
  return answer;
}
