// Both peers bind every interface and have no option against it: what listens in this process listens on loopback.
const { Server } = require('node:net')
const listen = Server.prototype.listen
Server.prototype.listen = function (at, ...more) {
  const port = typeof at === 'object' && at !== null ? at.port : at
  return listen.call(this, Number(port), '127.0.0.1', ...more.filter((each) => typeof each === 'function'))
}
