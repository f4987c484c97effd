// An OpenID provider on 127.0.0.1, for the walk-through and the tests: `node server.mjs PORT` (0: a free one).
//
// It is oidc-provider, a certified implementation, with what the tests need around it. Over HTTP it is a provider and
// nothing else. What no provider lets its callers do is asked for on standard input, one JSON object a line; each is
// answered with one on standard output. The first line of output says where it is. It ends when standard input closes,
// so it never outlives whoever started it.
//
//   {"do": "register", "subject", "claims", "lifetime", "algorithm"}  a client, and what its tokens are to say
//   {"do": "approve", "user_code", "subject", "claims", "lifetime"}   what a person does in the device flow
//   {"do": "deny", "user_code"}                                       or does not
//   {"do": "sign_in", "subject", "claims", "lifetime"}                who sits at the browsers that come from now on
//   {"do": "rotate", "keep_old"}                                      new keys sign; are the old ones still published?
//   {"do": "sign", "claims", "header"}                                what this provider would sign if it misbehaved
//   {"do": "stop"}, {"do": "start"}                                   refuse connections; accept them again

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { CompactSign } from 'jose';
import { Provider } from 'oidc-provider';

// Standard output is for answers; this is where the library writes its notices.
console.log = console.info = console.error;

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const DEVICE_CLIENT = 'credvend-device';
const LOGIN_CLIENT = 'credvend-login';
const ALGORITHMS = { ES256: ['ec', { namedCurve: 'P-256' }], RS256: ['rsa', { modulusLength: 2048 }] };

// All state is out here, since the library takes its keys once, when a provider is constructed: a rotation replaces it.
const records = new Map(); // by model and id
const clients = new Map(); // by client id: what was registered
const people = new Map(); // by subject: claims
const lifetimes = new Map(); // by subject: seconds that a person's access tokens live
const cookieKeys = [randomBytes(32).toString('base64url')];
let signing; // by algorithm
let published;
let provider;
let handle;
let atTheBrowser; // the subject who signs in there, or nobody

class Records {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload) {
    records.set(`${this.model} ${id}`, payload);
  }

  async find(id) {
    return this.model === 'Client' ? clients.get(id)?.metadata : records.get(`${this.model} ${id}`);
  }

  async findByUserCode(userCode) {
    return this.#first((payload) => payload.userCode === userCode);
  }

  async findByUid(uid) {
    return this.#first((payload) => payload.uid === uid);
  }

  async consume(id) {
    (await this.find(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    records.delete(`${this.model} ${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of records) if (payload.grantId === grantId) records.delete(key);
  }

  #first(wanted) {
    for (const [key, payload] of records) if (key.startsWith(`${this.model} `) && wanted(payload)) return payload;
    return undefined;
  }
}

function generateKeys() {
  return Object.fromEntries(Object.entries(ALGORITHMS).map(([alg, [type, options]]) => {
    const { privateKey } = generateKeyPairSync(type, options);
    const kid = randomUUID();
    return [alg, { privateKey, kid, jwk: { ...privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }];
  }));
}

function construct(issuer, oldKeys) {
  signing = generateKeys();
  // The library signs with the first that fits.
  published = [...Object.values(signing).map((key) => key.jwk), ...oldKeys];
  provider = new Provider(issuer, {
    adapter: Records,
    jwks: { keys: published },
    cookies: { keys: cookieKeys },
    clients: [{
      client_id: DEVICE_CLIENT,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: [DEVICE_CODE],
      response_types: [],
      redirect_uris: [],
    }, {
      client_id: LOGIN_CLIENT,
      token_endpoint_auth_method: 'none',
      application_type: 'native', // any port of the loopback address will do, RFC 8252, 7.3
      grant_types: [DEVICE_CODE, 'authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://127.0.0.1/callback'],
    }],
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    claims: { openid: ['sub', 'email', 'groups'] },
    conformIdTokenClaims: false, // the claims stand in the ID token too
    ttl: {
      AccessToken: lifetime,
      ClientCredentials: lifetime,
      DeviceCode: 600,
      Grant: 3600,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 3600, // used once each: the library rotates those of public clients
      Session: 600,
    },
    extraTokenClaims: (_ctx, token) => (
      token.accountId ? people.get(token.accountId) : clients.get(token.clientId)?.claims
    ),
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...people.get(sub), sub }) }),
    formats: {
      customizers: {
        jwt(_ctx, token, { payload }) {
          if (!token.accountId) payload.sub = clients.get(token.clientId).subject;
        },
      },
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: false }, // its pages would load fonts from the internet; see `approve` and `interact`
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        // Any resource: a token for another audience than the service's is a token that the service must refuse.
        getResourceServerInfo: (_ctx, _resource, client) => ({
          scope: '',
          accessTokenFormat: 'jwt',
          accessTokenTTL: clients.get(client.clientId)?.lifetime ?? 600,
          jwt: { sign: { alg: clients.get(client.clientId)?.algorithm ?? 'ES256' } },
        }),
      },
    },
  });
  provider.on('server_error', (_ctx, error) => console.error(error));
  // How often a device may ask whether its person has signed in: https://www.rfc-editor.org/rfc/rfc8628#section-3.2
  // The library leaves it out, which means every five seconds.
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200) ctx.body = { ...ctx.body, interval: 1 };
  });
  handle = provider.callback();
}

function lifetime(_ctx, token) {
  return lifetimes.get(token.accountId) ?? token.resourceServer?.accessTokenTTL ?? 600;
}

// The page where a person would sign in and say yes: it does so at once, for whoever `sign_in` has put at the browser.
async function interact(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  let result = { error: 'access_denied', error_description: 'Nobody is at the browser.' };
  if (atTheBrowser) {
    const grant = new provider.Grant({ accountId: atTheBrowser, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    result = { login: { accountId: atTheBrowser, remember: false }, consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result);
}

function answerHttp(request, response) {
  if (!request.url.startsWith('/interaction/')) {
    handle(request, response);
    return;
  }
  interact(request, response).catch((error) => {
    console.error(error);
    response.writeHead(400).end();
  });
}

function remember(subject, claims, lifetime) {
  people.set(subject, claims);
  lifetimes.set(subject, lifetime);
}

async function waitingDevice(userCode) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replaceAll('-', ''));
  if (!code || code.accountId || code.error) throw new Error('No device waits with this user code.');
  return code;
}

const commands = {
  register({ subject, claims = {}, lifetime = 600, algorithm = 'ES256' }) {
    if (!(algorithm in signing)) throw new Error(`There is no key for ${algorithm}.`);
    const metadata = {
      client_id: `client-${randomUUID()}`,
      client_secret: randomBytes(24).toString('base64url'),
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
    };
    clients.set(metadata.client_id, { metadata, subject, claims, lifetime, algorithm });
    return { client_id: metadata.client_id, client_secret: metadata.client_secret };
  },

  async approve({ user_code, subject, claims = {}, lifetime = 600 }) {
    const code = await waitingDevice(user_code);
    const { scope, resource } = code.params;
    const grant = new provider.Grant({ accountId: subject, clientId: code.clientId });
    if (scope) grant.addOIDCScope(scope);
    remember(subject, claims, lifetime);
    Object.assign(code, { accountId: subject, scope, resource, authTime: Math.floor(Date.now() / 1000) });
    code.grantId = await grant.save();
    await code.save();
    return {};
  },

  async deny({ user_code }) {
    const code = await waitingDevice(user_code);
    Object.assign(code, { error: 'access_denied', errorDescription: 'The person said no.' });
    await code.save();
    return {};
  },

  sign_in({ subject = null, claims = {}, lifetime = 600 }) {
    atTheBrowser = subject;
    if (subject !== null) remember(subject, claims, lifetime);
    return {};
  },

  rotate({ keep_old = false }) {
    construct(provider.issuer, keep_old ? published : []);
    return {};
  },

  async sign({ claims, header = {} }) {
    const { alg = 'ES256' } = header;
    if (!(alg in signing)) throw new Error(`There is no key for ${alg}.`);
    const { privateKey, kid } = signing[alg];
    const whole = Object.entries({ alg, kid, typ: 'at+jwt', ...header }).filter(([, value]) => value !== null);
    const critical = Array.isArray(header.crit) ? Object.fromEntries(header.crit.map((name) => [name, true])) : {};
    const token = await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader(Object.fromEntries(whole))
      .sign(privateKey, { crit: critical });
    return { token };
  },

  async stop() {
    if (server.listening) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
    return {};
  },

  async start() {
    if (!server.listening) await listen();
    return {};
  },
};

async function answer(line) {
  try {
    const { do: name, ...rest } = JSON.parse(line);
    if (!Object.hasOwn(commands, name)) throw new Error(`There is no command ${name}.`);
    return await commands[name](rest);
  } catch (error) {
    return { error: String(error.message) };
  }
}

async function listen() {
  server.listen({ host: '127.0.0.1', port, exclusive: true });
  await once(server, 'listening'); // or it throws what went wrong
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

let port = Number(process.argv[2]);
const server = createServer(answerHttp);
await listen();
port = server.address().port;
construct(`http://127.0.0.1:${port}`, []);
say({ issuer: provider.issuer, device_client: DEVICE_CLIENT, login_client: LOGIN_CLIENT });
for await (const line of createInterface({ input: process.stdin })) say(await answer(line));
process.exit(0);
