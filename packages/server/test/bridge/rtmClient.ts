/** Clients of the published SDK of rtm, which record their events. */
import { Effect, type Scope } from "effect"
import { type Conversation, type IMClient, Message, Realtime } from "leancloud-realtime"

/** Events that readers observe. */
const EVENTS = [
  "message",
  "messageupdate",
  "messagerecall",
  "invited",
  "kicked",
  "membersjoined",
  "membersleft",
  "conversationinfoupdated",
  "unreadmessagescountupdate"
] as const

interface Recorded {
  readonly event: (typeof EVENTS)[number]
  readonly payload: ReadonlyArray<unknown>
}

export interface RtmClient {
  readonly im: IMClient
  readonly events: ReadonlyArray<Recorded>
  /** Returns the first event from this index on for which `there` holds. */
  readonly until: (
    event: Recorded["event"],
    from: number,
    there: (...payload: ReadonlyArray<never>) => boolean
  ) => Effect.Effect<Recorded>
}

const record = (im: IMClient): RtmClient => {
  const events: Array<Recorded> = []
  const watchers = new Set<() => void>()
  for (const event of EVENTS) {
    im.on(
      event as never,
      ((...payload: ReadonlyArray<unknown>) => {
        events.push({ event, payload })
        for (const watcher of watchers) watcher()
      }) as never
    )
  }
  return {
    im,
    events,
    until: (event, from, there) =>
      Effect.callback((resume) => {
        const look = (): void => {
          const found = events.slice(from).find((one) => one.event === event && there(...(one.payload as Array<never>)))
          if (found === undefined) return
          watchers.delete(look)
          resume(Effect.succeed(found))
        }
        watchers.add(look)
        look()
        return Effect.sync(() => watchers.delete(look))
      })
  }
}

/** Connects to the demonstration's app; each call returns the recorded client of an account. */
export const rtmClients = (http: string) => {
  const realtime = (): Realtime =>
    new Realtime({
      appId: "rtm-demo",
      appKey: "unused",
      RTMServers: `${http.replace("http:", "ws:")}/rtm`,
      server: new URL(http).host
    } as ConstructorParameters<typeof Realtime>[0])
  const shared = realtime()
  const clients = new Map<string, RtmClient>()
  return {
    /** A client that stays, on a connection that all of them share. */
    of: (account: string): Effect.Effect<RtmClient> =>
      Effect.promise(async () => {
        const known = clients.get(account)
        if (known !== undefined) return known
        const client = record(await shared.createIMClient(account))
        // Answered after the conversations are subscribed.
        await client.im.ping([account])
        clients.set(account, client)
        return client
      }),
    /** A client that leaves at the end of the scope. */
    momentary: (account: string): Effect.Effect<RtmClient, never, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.promise(async () => record(await realtime().createIMClient(account))),
        ({ im }) => Effect.promise(() => im.close())
      ),
    close: Effect.promise(async () => {
      for (const { im } of clients.values()) await im.close()
    })
  }
}

export type RtmClients = ReturnType<typeof rtmClients>

/** Returns the id of a chat's conversation. */
export const conversationId = ({ id, gid }: { readonly id: number; readonly gid: string }): string =>
  /^[0-9a-f]{24}$/.test(gid) ? gid : id.toString(16).padStart(24, "0")

/** Text of a message, or the link of an image. */
export const contentOf = (message: Message): string => {
  const { text, content } = message as Message & {
    readonly text?: string
    readonly content?: { readonly _lcfile?: { readonly url?: string } }
  }
  return text ?? content?._lcfile?.url ?? ""
}

export type { Conversation }
