// An atproto PDS on loopback, and a directory of DIDs for it (the public one is not asked). Used by vault_peers.py.
//
//     node -r ./loopback.cjs pds.mjs directory PORT
//     node -r ./loopback.cjs pds.mjs pds PORT DIRECTORY_PORT FOLDER
//
// Prints "ready" once it can be asked.
import { createServer } from 'node:http'
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'

const [kind, port, directory, folder] = process.argv.slice(2)

function serveDirectory() {
  const last = new Map()
  createServer(async (request, response) => {
    const [, did, what] = decodeURIComponent(request.url).split('/')
    if (request.method === 'POST') {
      let text = ''
      for await (const part of request) text += part
      last.set(did, JSON.parse(text))
      return response.end()
    }
    const operation = last.get(did)
    if (!operation) return response.writeHead(404).end()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(what === 'data' ? { did, ...operation } : what === 'log' ? operation : document(did, operation)))
  }).listen(port, () => console.log('ready'))
}

function document(did, operation) {
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did,
    alsoKnownAs: operation.alsoKnownAs,
    verificationMethod: Object.entries(operation.verificationMethods).map(([name, key]) => ({
      id: `${did}#${name}`, type: 'Multikey', controller: did, publicKeyMultibase: key.replace('did:key:', ''),
    })),
    service: Object.entries(operation.services).map(([name, { type, endpoint }]) => ({
      id: `#${name}`, type, serviceEndpoint: endpoint,
    })),
  }
}

async function servePds() {
  mkdirSync(`${folder}/blobs`, { recursive: true })
  const secret = () => randomBytes(32).toString('hex')
  Object.assign(process.env, {
    PDS_PORT: port, PDS_HOSTNAME: 'localhost', PDS_SERVICE_DID: `did:web:pds${port}.test`, PDS_DEV_MODE: 'true',
    PDS_DATA_DIRECTORY: folder,
    PDS_BLOBSTORE_DISK_LOCATION: `${folder}/blobs`, PDS_DID_PLC_URL: `http://localhost:${directory}`,
    PDS_SERVICE_HANDLE_DOMAINS: '.test', PDS_INVITE_REQUIRED: 'false', PDS_ACCEPTING_REPO_IMPORTS: 'true',
    PDS_MAX_REPO_IMPORT_SIZE: String(1 << 30), PDS_RATE_LIMITS_ENABLED: 'false', PDS_DISABLE_SSRF_PROTECTION: 'true',
    PDS_JWT_SECRET: secret(), PDS_ADMIN_PASSWORD: secret(), PDS_DPOP_SECRET: secret(),
    PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: secret(), LOG_ENABLED: 'false', NODE_ENV: 'production',
  })
  const { PDS, envToCfg, envToSecrets, readEnv } = await import('@atproto/pds')
  const env = readEnv()
  const pds = await PDS.create(envToCfg(env), envToSecrets(env))
  await pds.start()
  console.log('ready')
}

await (kind === 'directory' ? serveDirectory() : servePds())
