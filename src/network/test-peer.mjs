// A program for the tests' network namespaces: answers on TCP and UDP port 8080 with its name and who asks, and connects
// where its standard input says. One JSON object a line: {id, op, address, port, localPort}; the answer: {id, reply} or {id, error}.
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const name = process.argv[2]
const held = new Map()

createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', () => socket.write(`${name} ${socket.remoteAddress}`))
}).listen(8080, '0.0.0.0', () => {
  const udp = createSocket('udp4')
  udp.on('message', (_, from) => udp.send(`${name} ${from.address}`, from.port, from.address, () => {}))
  udp.bind(8080, '0.0.0.0', () => console.log(JSON.stringify({ id: 0, reply: 'ready' })))
})

const ask = (socket) =>
  new Promise((resolve, reject) => {
    socket.once('data', (data) => resolve(String(data)))
    socket.once('error', reject)
    socket.write('?')
  })

const open = ({ address, port }) =>
  new Promise((resolve, reject) => {
    const socket = connect(port, address, () => resolve(socket))
    socket.once('error', reject)
  })

const operations = {
  async tcp(command) {
    const socket = await open(command)
    const reply = await ask(socket)
    socket.destroy()
    return reply
  },
  async hold(command) {
    const socket = await open(command)
    held.set(command.id, socket)
    return ask(socket)
  },
  again: ({ held: id }) => ask(held.get(id)),
  udp: ({ address, port, localPort }) =>
    new Promise((resolve, reject) => {
      const socket = createSocket('udp4')
      const finish = (settle) => (value) => {
        clearTimeout(timer)
        socket.close()
        settle(value)
      }
      const timer = setTimeout(
        finish(() => reject(new Error('timeout'))),
        500,
      )
      socket.once('error', finish(reject))
      socket.once(
        'message',
        finish((data) => resolve(String(data))),
      )
      socket.bind(localPort ?? 0, () =>
        socket.connect(port, address, () => socket.send('?', (error) => error && socket.emit('error', error))),
      )
    }),
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const command = JSON.parse(line)
  try {
    console.log(JSON.stringify({ id: command.id, reply: await operations[command.op](command) }))
  } catch (error) {
    console.log(JSON.stringify({ id: command.id, error: error.code ?? error.message }))
  }
})
