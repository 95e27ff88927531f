import { describe, expect, it } from "vitest"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import { chatIdOf, contentOf, conversationIdOf, timeOf } from "../../src/ha/encode.ts"

describe("ids of conversations", () => {
  it.each([
    [1, -100000001],
    [42, -100000042],
    [899_999_999, -999_999_999]
  ])("chat %i is conversation %i, and back", (chat, id) => {
    expect(conversationIdOf(ChatId(chat))).toBe(id)
    expect(chatIdOf(id)).toBe(chat)
  })

  it.each([0, 1, -1, 100000001, -100000000, -1000000000, -100000001.5, Number.NaN])("%d is not one", (id) => {
    expect(chatIdOf(id)).toBeUndefined()
  })
})

const message = (contentType: string, content: string): Message => ({
  id: EntryId(1),
  gid: "m",
  chat: ChatId(1),
  seq: 2,
  number: 1,
  sender: UserId(1),
  type: "normal",
  contentType,
  content,
  date: 0,
  recalled: false,
  revision: EntryId(1)
})

describe("content", () => {
  it.each([
    ["text", "hi", -1, "hi"],
    ["text", '{"url":"u"}', -1, '{"url":"u"}'],
    ["image", "https://x/a.png", -2, "https://x/a.png"],
    ["image", '{"url":"https://x/a.png","width":3}', -2, "https://x/a.png"],
    ["image", '{"id":7}', -2, '{"id":7}'],
    ["image", '{"url":7}', -2, '{"url":7}'],
    ["image", "{broken", -2, "{broken"],
    ["video", "https://x/a.mp4", -3, "https://x/a.mp4"],
    ["file", '{"name":"a","url":"https://x/a"}', -4, "https://x/a"],
    [
      "file",
      `{"url":"https://x/a","x":[${"0,".repeat(2000)}0]}`,
      -4,
      `{"url":"https://x/a","x":[${"0,".repeat(2000)}0]}`
    ],
    ["location", '{"lat":1,"url":"kept"}', -5, '{"lat":1,"url":"kept"}'],
    ["audio", "https://x/a.mp3", -6, "https://x/a.mp3"],
    ["emoticon", '{"url":":)"}', -1, ":)"],
    ["unheard-of", "something", -1, "something"]
  ])("%s %s is %i %s", (contentType, content, type, encoded) => {
    expect(contentOf(message(contentType, content))).toEqual({ type, content: encoded })
  })
})

describe("times", () => {
  it.each([
    ["0", 0],
    ["1700000000123", 1700000000123],
    ["8640000000000000", 8.64e15],
    ["8640000000000001", undefined],
    ["-1", undefined],
    ["1e3", undefined],
    ["", undefined],
    [" 1", undefined],
    ["17000000001234567", undefined]
  ])("%s is %s", (text, time) => {
    expect(timeOf(text)).toBe(time)
  })
})
