import { setting } from './setting.js';

// A client per service, from the document that the running service serves.
export default ['auth', 'pizza', 'likes', 'events'].map((service) => ({
  input: `${setting(`${service.toUpperCase()}_URL`)}/openapi.json`,
  output: { path: `generated/${service}`, importFileExtension: '.js' },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
}));
