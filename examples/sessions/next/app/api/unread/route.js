import { userOf } from "../../../session.js"

export async function GET(request) {
  const user = userOf(request.headers.get("cookie") ?? "")
  if (user === undefined) return new Response(null, { status: 401 })
  return Response.json(await globalThis.parley.as(user).unread())
}
