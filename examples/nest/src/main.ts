/** Chat in a Nest application: users of its own, and JWTs in a header of its own. */
import "reflect-metadata"
import { NestFactory } from "@nestjs/core"
import type { NestExpressApplication } from "@nestjs/platform-express"
import { AppModule } from "./app.module.ts"

const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: ["error", "warn"] })
app.setGlobalPrefix("api")
// On a signal the providers' shutdown methods run, and the Parley instance is closed.
app.enableShutdownHooks()
await app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1")
console.log("ready", app.getHttpServer().address())
