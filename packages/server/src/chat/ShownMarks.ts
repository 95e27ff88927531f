/** Marks messages as read once they are shown. */
import type { Message, Parley } from "@parley/client"

/** One request at a time for each chat, for the newest shown message. Errors are ignored: other servers have no such method. */
export class ShownMarks {
  readonly #parley: Pick<Parley, "read">
  /** Newest shown message of each chat with a request, by gid. */
  readonly #shown = new Map<string, number>()

  constructor(parley: Pick<Parley, "read">) {
    this.#parley = parley
  }

  mark({ cgid, id }: Pick<Message, "cgid" | "id">): void {
    const before = this.#shown.get(cgid)
    this.#shown.set(cgid, Math.max(id, before ?? 0))
    if (before === undefined) void this.#send(cgid)
  }

  async #send(gid: string): Promise<void> {
    for (let sent = 0; ;) {
      const id = this.#shown.get(gid) ?? 0
      if (id === sent) break
      await this.#parley.read(gid, id).catch(() => {})
      sent = id
    }
    this.#shown.delete(gid)
  }
}
