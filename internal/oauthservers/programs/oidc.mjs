// Oidc-provider with rotation: a refresh token is good once, and a second time ends its family.
// $MODULES is the folder with node_modules, $CLIENTS the clients as RFC 7591 writes them.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.env.MODULES + '/')
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')))

const provider = new Provider('http://127.0.0.1', {
  clients: JSON.parse(process.env.CLIENTS),
  features: { clientCredentials: { enabled: true }, introspection: { enabled: true }, devInteractions: { enabled: true } },
  scopes: ['openid', 'offline_access', 'api'],
  rotateRefreshToken: true,
  ttl: { AccessToken: 1800, ClientCredentials: 1800, RefreshToken: 14 * 24 * 3600, Grant: 14 * 24 * 3600, Session: 3600, Interaction: 600 },
  // Its developers' pages ask for everybody's name, and take it.
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
})

// The first token of a chain, without a browser: /seed?client_id=…
provider.use(async (ctx, next) => {
  if (ctx.path !== '/seed') return next()
  const client = await provider.Client.find(ctx.query.client_id)
  const grant = new provider.Grant({ accountId: 'somebody', clientId: client.clientId })
  const scope = 'openid offline_access'
  grant.addOIDCScope(scope)
  const common = { accountId: 'somebody', client, scope, grantId: await grant.save(), gty: 'authorization_code' }
  ctx.body = {
    access_token: await new provider.AccessToken(common).save(),
    refresh_token: await new provider.RefreshToken({ ...common, rotations: 0, iiat: Math.floor(Date.now() / 1000) }).save(),
  }
})

const server = provider.listen(0, '127.0.0.1', () => console.error(`Running on http://127.0.0.1:${server.address().port}`))
