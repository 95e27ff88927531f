/**
 * Files in the envelope's form, as streams: memory use does not grow with the size. Source: PROTOCOLS, "youdu"; the public
 * SDKs, which send a file as the base64 text of its sealed bytes.
 */
import { textBytes } from "@parley/core/Utf8"
import * as Effect from "effect/Effect"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { valueText } from "../_http/utf8.ts"
import {
  AES_BLOCK_SIZE,
  type BlockCipher,
  HEAD_SIZE,
  InvalidEnvelope,
  isTrailer,
  joined,
  lengthBytes,
  lengthIn,
  PADDED_BLOCK_SIZE,
  padding,
  RANDOM_SIZE
} from "./envelopeBlocks.ts"

export interface FileCipher {
  /** Seals a content of `size` bytes; returns base64 text, as bytes. */
  readonly seal: <E>(content: Stream.Stream<Uint8Array, E>, size: number) => Stream.Stream<Uint8Array, E>
  /** Number of bytes that `seal` returns. */
  readonly sealedSize: (size: number) => number
  /** Opens base64 text. It fails at its end if the content is not for this app; what was returned before is invalid then. */
  readonly open: <E>(sealed: Stream.Stream<Uint8Array, E>) => Stream.Stream<Uint8Array, E | InvalidEnvelope>
}

interface FileCipherDeps {
  readonly blocks: BlockCipher
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly iv: Uint8Array
  readonly appIdBytes: Uint8Array
}

/** Maximum size of a piece that is encrypted or decoded at once, in bytes; a multiple of every unit below. */
const PIECE_SIZE = 48 * 1024
/** Bytes of plain text that make whole blocks and whole groups of base64. */
const SEALING_UNIT = 48
/** Characters of a group of base64. */
const BASE64_UNIT = 4
const EMPTY = new Uint8Array(0)
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

export const makeFileCipher = ({ blocks, random, iv, appIdBytes }: FileCipherDeps): FileCipher => {
  const paddingFor = (size: number): Uint8Array => padding(HEAD_SIZE + size + appIdBytes.length)
  return {
    sealedSize: (size) => Math.ceil((HEAD_SIZE + size + appIdBytes.length + paddingFor(size).length) / 3) * 4,
    seal: (content, size) =>
      Stream.suspend(() => {
        let previous = iv
        const head = Effect.map(random.randomBytes(RANDOM_SIZE), (bytes) => joined(bytes, lengthBytes(size)))
        const plain = Stream.fromEffect(head).pipe(
          Stream.concat(content),
          Stream.concat(Stream.make(joined(appIdBytes, paddingFor(size))))
        )
        return Stream.mapEffect(inUnits(plain, SEALING_UNIT), (piece) =>
          Effect.map(blocks.encrypt(piece, previous), (sealed) => {
            previous = sealed.slice(-AES_BLOCK_SIZE)
            return textBytes(Base64.encode(sealed))
          })
        )
      }),
    open: (sealed) =>
      Stream.suspend(() => {
        let previous = iv
        const bytes = inUnits(decoded(sealed), AES_BLOCK_SIZE)
        const plain = Stream.mapEffect(bytes, (piece) => {
          if (piece.length % AES_BLOCK_SIZE !== 0) return Effect.fail(new InvalidEnvelope())
          const iv = previous
          previous = piece.slice(-AES_BLOCK_SIZE)
          return blocks.decrypt(piece, iv)
        })
        return framed(plain, appIdBytes)
      })
  }
}

/** Cuts a stream into pieces of a multiple of `unit` bytes, at most `PIECE_SIZE`; the last one may have any length. */
const inUnits = <E>(stream: Stream.Stream<Uint8Array, E>, unit: number): Stream.Stream<Uint8Array, E> =>
  Stream.mapAccum(
    stream,
    () => EMPTY,
    (carry, chunk: Uint8Array): readonly [Uint8Array, ReadonlyArray<Uint8Array>] => {
      const bytes = joined(carry, chunk)
      const end = bytes.length - (bytes.length % unit)
      const pieces: Array<Uint8Array> = []
      for (let at = 0; at < end; at += PIECE_SIZE) pieces.push(bytes.slice(at, Math.min(end, at + PIECE_SIZE)))
      return [bytes.slice(end), pieces]
    },
    { onHalt: (carry) => (carry.length === 0 ? [] : [carry]) }
  )

/** Decodes base64; line ends are ignored, and padding is allowed at the end only. */
const decoded = <E>(text: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E | InvalidEnvelope> =>
  Stream.suspend(() => {
    let ended = false
    const lines = Stream.map(text, (chunk) => chunk.filter((byte) => byte !== LINE_FEED && byte !== CARRIAGE_RETURN))
    return Stream.mapEffect(inUnits(lines, BASE64_UNIT), (piece) => {
      const group = valueText(piece)
      const bytes = group === undefined || ended ? undefined : Result.getOrUndefined(Base64.decode(group))
      ended = group?.endsWith("=") ?? true
      return bytes === undefined ? Effect.fail(new InvalidEnvelope()) : Effect.succeed(bytes)
    })
  })

/** Returns the content between the head and the trailer, which are checked. */
const framed = <E>(
  plain: Stream.Stream<Uint8Array, E>,
  appIdBytes: Uint8Array
): Stream.Stream<Uint8Array, E | InvalidEnvelope> =>
  Stream.suspend(() => {
    let head: Uint8Array = EMPTY
    let trailer: Uint8Array = EMPTY
    /** Number of bytes of the content that are still to come; undefined before the head is complete. */
    let left: number | undefined
    const invalid = Effect.fail(new InvalidEnvelope())
    const content = Stream.mapEffect(plain, (piece) => {
      let bytes = piece
      if (left === undefined) {
        head = joined(head, piece)
        if (head.length < HEAD_SIZE) return Effect.succeed(EMPTY)
        left = lengthIn(head)
        bytes = head.slice(HEAD_SIZE)
      }
      const part = bytes.slice(0, left)
      left -= part.length
      trailer = joined(trailer, bytes.slice(part.length))
      return trailer.length > appIdBytes.length + PADDED_BLOCK_SIZE ? invalid : Effect.succeed(part)
    })
    const end = Effect.suspend(() => (left === 0 && isTrailer(trailer, appIdBytes) ? Effect.void : invalid))
    return Stream.concat(
      Stream.filter(content, ({ length }) => length > 0),
      Stream.fromEffectDrain(end)
    )
  })
