/** Results of a sender's action, from which readers check its effect. */

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
  /** Content at chat clients if it is JSON with more than the link. */
  readonly json?: string
  /** Set if it was sent by the sender's chat client, which gets the reply instead of a push. */
  readonly atClient?: true
}

/** Recipients of a message at its recall: none, an online client, or a client that has disconnected since. */
export type RecipientState = "none" | "online" | "disconnected"

export interface Recalled {
  readonly gid: string
  /** Its content. */
  readonly content: string
  /** Content of a message sent after the recall. */
  readonly next: string
}

export interface Edited {
  readonly gid: string
  readonly content: string
}

export interface Hidden {
  readonly gid: string
  readonly by: string
  /** The other user, who still has it. */
  readonly notBy: string
}

export interface Renamed {
  readonly name: string
}

export interface Joined {
  readonly account: string
  /** Set if it was requested by that account's chat client, which gets the reply instead of a push. */
  readonly atClient?: true
}

/** The message that a connection acknowledged. */
export interface Taken {
  readonly gid: string
}

export interface ReadUpTo {
  readonly gid: string
}
