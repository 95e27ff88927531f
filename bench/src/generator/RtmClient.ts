/**
 * Clients of docs/protocols/rtm.md. As the published SDKs do, they query their conversation, leave out their client id after
 * the login, and acknowledge messages by a range of times: once in the time of the other protocol's clients, where those SDKs
 * wait for a second.
 */
import protobuf from "protobufjs"
import { type Chat, type Client, onceByPlace, type Received, type Speaker } from "./Client.ts"
import { dial, type Line } from "./Line.ts"
import { GATHER } from "./XuanxuanClient.ts"

/** App whose clients are all users. */
export const RTM_APP = "bench"

const [SESSION, CONV, DIRECT, ACK, ERROR] = [0, 1, 2, 3, 7] as const
const [OPEN, QUERY, START] = [1, 7, 30] as const

const field = (id: number, type: string, rule?: "repeated"): object => ({ id, type, ...(rule && { rule }) })

/** The fields that are used here, by their numbers. */
const type = protobuf.Root.fromJSON({
  nested: {
    Command: {
      edition: "2023",
      fields: {
        cmd: field(1, "int32"),
        op: field(2, "int32"),
        appId: field(3, "string"),
        peerId: field(4, "string"),
        i: field(5, "int32"),
        error: field(103, "ErrorBody"),
        direct: field(104, "Direct"),
        ack: field(105, "Ack"),
        conv: field(110, "Conv")
      }
    },
    Json: { edition: "2023", fields: { data: field(1, "string") } },
    ErrorBody: { edition: "2023", fields: { code: field(1, "int32"), reason: field(2, "string") } },
    Direct: {
      edition: "2023",
      fields: {
        msg: field(1, "string"),
        timestamp: field(4, "int64"),
        cid: field(11, "string"),
        id: field(12, "string"),
        dt: field(14, "string")
      }
    },
    Ack: {
      edition: "2023",
      fields: { cid: field(4, "string"), fromts: field(7, "int64"), tots: field(8, "int64") }
    },
    Conv: {
      edition: "2023",
      fields: {
        m: field(1, "string", "repeated"),
        cid: field(4, "string"),
        n: field(14, "string"),
        where: field(101, "Json")
      }
    }
  }
} as protobuf.INamespace).lookupType("Command")

interface Command {
  readonly cmd?: number
  readonly op?: number
  readonly appId?: string
  readonly peerId?: string
  readonly i?: number
  readonly error?: { readonly code: number; readonly reason: string }
  readonly direct?: {
    readonly msg?: string
    readonly cid?: string
    readonly id?: string
    readonly dt?: string
    readonly timestamp?: { readonly toNumber: () => number }
  }
  readonly ack?: { readonly cid: string; readonly fromts: number; readonly tots: number }
  readonly conv?: {
    readonly m?: ReadonlyArray<string>
    readonly cid?: string
    readonly n?: string
    readonly where?: { readonly data: string }
  }
}

const encode = (command: Command): Uint8Array => type.encode(command).finish()
const decode = (bytes: Buffer): Command => type.decode(bytes) as Command

const NOTHING: Received = { answers: 0, ids: [], contents: [] }
const ANSWERED: Received = { answers: 1, ids: [], contents: [] }

/** Reads the text of a message `{"_lctext":…}`, in ASCII. */
const TEXT = /"_lctext":"([^"]*)"/

/** Begins the id of a message: the field's number, and its 16 characters. */
const ID = Buffer.from([(12 << 3) | 2, 16])

/** Returns the last characters of a message's id, as a number. */
const idOf = (): ((bytes: Buffer) => number) => {
  let place = 0
  return (bytes) => {
    if (bytes[place] !== ID[0] || bytes[place + 1] !== ID[1]) place = Math.max(0, bytes.indexOf(ID))
    return (bytes[place + 16] ?? 0) * 16 + (bytes[place + 17] ?? 0)
  }
}

/** A frame, and the time of the message in it. */
interface Timed extends Received {
  readonly time?: number
}

const read = (bytes: Buffer): Timed => {
  const { cmd, direct, error } = decode(bytes)
  if (cmd === ERROR) throw new Error(`a message was refused: ${error?.code} ${error?.reason}`)
  if (cmd === ACK) return ANSWERED
  if (cmd !== DIRECT || direct?.timestamp === undefined) return NOTHING
  const [, content = ""] = TEXT.exec(direct.msg ?? "") ?? []
  const time = direct.timestamp.toNumber()
  return { answers: 0, ids: [Number.parseInt(direct.id ?? "", 16)], contents: [content], time }
}

const readOnce = onceByPlace(read, idOf())

interface Login {
  readonly line: Line
  readonly ask: (command: Command) => Promise<Command>
  readonly become: (received: (bytes: Buffer) => void) => void
}

/** Connects and logs in a client. */
const login = async (port: number, peerId: string, lost: () => void): Promise<Login> => {
  const replies = new Map<number, { readonly found: (reply: Command) => void; readonly gone: (e: Error) => void }>()
  let received = (bytes: Buffer): void => {
    const command = decode(bytes)
    replies.get(command.i ?? 0)?.found(command)
  }
  const closed = (): void => {
    for (const { gone } of replies.values()) gone(new Error("the server ended the connection before it answered"))
    lost()
  }
  const line = await dial(port, "/rtm", { received: (bytes) => received(bytes), closed }, "lc.protobuf2.3")
  const ask = async (command: Command): Promise<Command> => {
    const i = replies.size + 1
    const reply = await new Promise<Command>((found, gone) => {
      replies.set(i, { found, gone })
      line.send(encode({ ...command, ...(command.cmd === SESSION && { peerId }), i }))
    })
    if (reply.cmd === ERROR) throw new Error(`${command.cmd}: ${reply.error?.code} ${reply.error?.reason}`)
    return reply
  }
  await ask({ cmd: SESSION, op: OPEN, appId: RTM_APP })
  return {
    line,
    ask,
    become: (next) => {
      received = next
    }
  }
}

export const rtm = (port: number): Speaker => ({
  prepare: async (chats) => {
    const made: Array<Chat> = []
    for (const { gid, members } of chats) {
      const [first] = members
      if (first === undefined) continue
      const { line, ask } = await login(port, first.account, () => {})
      const { conv } = await ask({ cmd: CONV, op: START, conv: { m: members.map(({ account }) => account), n: gid } })
      made.push({ gid: conv?.cid ?? "", members })
      line.destroy()
    }
    return made
  },
  connect: async (chat, { account }, hooks) => {
    const { line, ask, become } = await login(port, account, hooks.lost)
    const cid = chat.gid
    await ask({ cmd: CONV, op: QUERY, conv: { where: { data: JSON.stringify({ objectId: cid }) } } })
    let [from, to] = [0, 0]
    const acknowledge = (): void => {
      line.send(encode({ cmd: ACK, peerId: account, ack: { cid, fromts: from, tots: to } }))
      from = 0
    }
    let sent = 0
    const client: Client = {
      send: (content) =>
        line.send(
          encode({
            cmd: DIRECT,
            i: ++sent,
            direct: { cid, dt: `${account}-${sent}`, msg: `{"_lctype":-1,"_lctext":"${content}"}` }
          })
        ),
      close: line.destroy
    }
    become((bytes) => {
      const received = readOnce(bytes)
      const { time } = received
      if (time !== undefined) {
        if (from === 0) {
          from = time
          setTimeout(acknowledge, GATHER)
        }
        to = time
      }
      hooks.received(received)
    })
    return client
  }
})
