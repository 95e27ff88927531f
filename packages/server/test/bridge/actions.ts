/** What a sender tells of what was done, which is all that a reader knows of it. */

export interface Created {
  readonly gid: string
  readonly id: number
  readonly type: "group" | "one2one"
  readonly name: string
  /** Accounts, the creator's first. */
  readonly members: ReadonlyArray<string>
}

export interface Sent {
  readonly gid: string
  readonly by: string
  readonly contentType: "text" | "image"
  /** A text, or the link of an image. */
  readonly content: string
  /** Set where it was said at the chat client of who said it, which has the answer instead of a push. */
  readonly atClient?: true
}

/** Who had a message when it is recalled: nobody, who is at a chat client, or who was at one and has gone. */
export type Told = "nobody" | "here" | "gone"

export interface Recalled {
  readonly gid: string
  /** What it was. */
  readonly content: string
  /** A text that was said after the recall. */
  readonly next: string
}

export interface Hidden {
  readonly gid: string
  readonly by: string
  /** The other, who still has it. */
  readonly notBy: string
}

export interface Renamed {
  readonly name: string
}

export interface Joined {
  readonly account: string
  /** Set where it was asked for at the chat client of that account, which has the answer instead of a push. */
  readonly atClient?: true
}

/** The message that somebody's connection took. */
export interface Taken {
  readonly gid: string
}

export interface ReadUpTo {
  readonly gid: string
}
