/**
 * Fields of the commands, by name and number. Unused ones of the hosted service are left out: a decoder skips them.
 * Source: the published SDK's field numbers.
 */

type Scalar = "bool" | "bytes" | "int32" | "int64" | "string"

/** Number and type of a field; the types of other messages are their names. `*` marks a list. */
type Field = readonly [number: number, type: Scalar | MessageName | `*${string}`]

type MessageName =
  | "Ack"
  | "Blacklist"
  | "Conv"
  | "Direct"
  | "ErrorBody"
  | "Json"
  | "LogItem"
  | "Logs"
  | "MemberInfo"
  | "Patch"
  | "PatchItem"
  | "MaxRead"
  | "Rcp"
  | "Read"
  | "ReadTuple"
  | "Session"
  | "Unread"
  | "UnreadTuple"

const json = { data: [1, "string"] } as const

/** Messages by name. */
export const messages = {
  Command: {
    cmd: [1, "int32"],
    op: [2, "int32"],
    appId: [3, "string"],
    peerId: [4, "string"],
    i: [5, "int32"],
    serverTs: [9, "int64"],
    notificationType: [11, "int32"],
    session: [102, "Session"],
    error: [103, "ErrorBody"],
    direct: [104, "Direct"],
    ack: [105, "Ack"],
    unread: [106, "Unread"],
    read: [107, "Read"],
    rcp: [108, "Rcp"],
    logs: [109, "Logs"],
    conv: [110, "Conv"],
    patch: [114, "Patch"],
    blacklist: [116, "Blacklist"]
  },
  Json: json,
  Session: {
    t: [1, "int64"],
    n: [2, "string"],
    s: [3, "string"],
    ua: [4, "string"],
    r: [5, "bool"],
    tag: [6, "string"],
    deviceId: [7, "string"],
    sessionPeerIds: [8, "*string"],
    onlineSessionPeerIds: [9, "*string"],
    st: [10, "string"],
    stTtl: [11, "int32"],
    code: [12, "int32"],
    reason: [13, "string"],
    detail: [16, "string"],
    lastUnreadNotifTime: [17, "int64"],
    lastPatchTime: [18, "int64"],
    configBitmap: [19, "int64"]
  },
  ErrorBody: {
    code: [1, "int32"],
    reason: [2, "string"],
    appCode: [3, "int32"],
    detail: [4, "string"],
    pids: [5, "*string"]
  },
  Direct: {
    msg: [1, "string"],
    fromPeerId: [3, "string"],
    timestamp: [4, "int64"],
    offline: [5, "bool"],
    toPeerIds: [7, "*string"],
    r: [10, "bool"],
    cid: [11, "string"],
    id: [12, "string"],
    transient: [13, "bool"],
    dt: [14, "string"],
    roomId: [15, "string"],
    pushData: [16, "string"],
    will: [17, "bool"],
    patchTimestamp: [18, "int64"],
    binaryMsg: [19, "bytes"],
    mentionPids: [20, "*string"],
    mentionAll: [21, "bool"],
    convType: [22, "int32"]
  },
  Ack: {
    code: [1, "int32"],
    reason: [2, "string"],
    mid: [3, "string"],
    cid: [4, "string"],
    t: [5, "int64"],
    uid: [6, "string"],
    fromts: [7, "int64"],
    tots: [8, "int64"],
    ids: [10, "*string"]
  },
  UnreadTuple: {
    cid: [1, "string"],
    unread: [2, "int32"],
    mid: [3, "string"],
    timestamp: [4, "int64"],
    from: [5, "string"],
    data: [6, "string"],
    mentioned: [8, "bool"],
    binaryMsg: [9, "bytes"],
    convType: [10, "int32"]
  },
  Unread: { convs: [1, "*UnreadTuple"], notifTime: [2, "int64"] },
  ReadTuple: { cid: [1, "string"], timestamp: [2, "int64"], mid: [3, "string"] },
  Rcp: { id: [1, "string"], cid: [2, "string"], t: [3, "int64"], read: [4, "bool"], from: [5, "string"] },
  MaxRead: { pid: [1, "string"], maxAckTimestamp: [2, "int64"], maxReadTimestamp: [3, "int64"] },
  Read: { cid: [1, "string"], cids: [2, "*string"], convs: [3, "*ReadTuple"] },
  LogItem: {
    from: [1, "string"],
    data: [2, "string"],
    timestamp: [3, "int64"],
    msgId: [4, "string"],
    mentionAll: [8, "bool"],
    mentionPids: [9, "*string"],
    bin: [10, "bool"],
    convType: [11, "int32"]
  },
  Logs: {
    cid: [1, "string"],
    l: [2, "int32"],
    limit: [3, "int32"],
    t: [4, "int64"],
    tt: [5, "int64"],
    tmid: [6, "string"],
    mid: [7, "string"],
    direction: [10, "int32"],
    tIncluded: [11, "bool"],
    ttIncluded: [12, "bool"],
    lctype: [13, "int32"],
    logs: [105, "*LogItem"]
  },
  MemberInfo: { pid: [1, "string"], role: [2, "string"], infoId: [3, "string"] },
  Conv: {
    m: [1, "*string"],
    transient: [2, "bool"],
    unique: [3, "bool"],
    cid: [4, "string"],
    cdate: [5, "string"],
    initBy: [6, "string"],
    sort: [7, "string"],
    limit: [8, "int32"],
    skip: [9, "int32"],
    flag: [10, "int32"],
    count: [11, "int32"],
    udate: [12, "string"],
    t: [13, "int64"],
    n: [14, "string"],
    s: [15, "string"],
    uniqueId: [19, "string"],
    targetClientId: [20, "string"],
    maxReadTimestamp: [21, "int64"],
    maxAckTimestamp: [22, "int64"],
    queryAllMembers: [23, "bool"],
    maxReadTuples: [24, "*MaxRead"],
    cids: [25, "*string"],
    info: [26, "MemberInfo"],
    tempConv: [27, "bool"],
    tempConvTTL: [28, "int32"],
    tempConvIds: [29, "*string"],
    allowedPids: [30, "*string"],
    failedPids: [31, "*ErrorBody"],
    next: [40, "string"],
    results: [100, "Json"],
    where: [101, "Json"],
    attr: [103, "Json"],
    attrModified: [104, "Json"]
  },
  PatchItem: {
    cid: [1, "string"],
    mid: [2, "string"],
    timestamp: [3, "int64"],
    recall: [4, "bool"],
    data: [5, "string"],
    patchTimestamp: [6, "int64"],
    from: [7, "string"],
    binaryMsg: [8, "bytes"],
    mentionAll: [9, "bool"],
    mentionPids: [10, "*string"]
  },
  Patch: { patches: [1, "*PatchItem"], lastPatchTime: [2, "int64"] },
  Blacklist: {
    srcCid: [1, "string"],
    toPids: [2, "*string"],
    limit: [5, "int32"],
    next: [6, "string"],
    blockedPids: [8, "*string"],
    allowedPids: [10, "*string"],
    failedPids: [11, "*ErrorBody"],
    t: [12, "int64"],
    n: [13, "string"],
    s: [14, "string"]
  }
} as const satisfies Readonly<Record<"Command" | MessageName, Readonly<Record<string, Field>>>>

type Messages = typeof messages

/** A value of a field type. Times are integers in milliseconds, which fit into a number. */
type Value<T> = T extends `*${infer Item}`
  ? ReadonlyArray<Value<Item>>
  : T extends "string"
    ? string
    : T extends "bytes"
      ? Uint8Array
      : T extends "bool"
        ? boolean
        : T extends "int32" | "int64"
          ? number
          : T extends keyof Messages
            ? MessageOf<T>
            : never

/** A message with these fields; absent ones are undefined. */
export type MessageOf<N extends keyof Messages> = {
  readonly [K in keyof Messages[N]]?: Messages[N][K] extends readonly [number, infer T] ? Value<T> : never
}
