/** What .local/env says of the running system. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: is the system up (make up), and .local/env read?`);
  return value;
}
