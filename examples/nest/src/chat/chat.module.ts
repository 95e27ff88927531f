import { Module } from "@nestjs/common"
import { createParley } from "@parley/adapter-node"
import * as FileBlobs from "@parley/adapter-node/FileBlobs"
import { ParleyModule } from "@parley/adapter-node/nest"
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { UsersModule } from "../users/users.module.ts"
import { UsersService } from "../users/users.service.ts"
import { ChatController } from "./chat.controller.ts"
import { ChatStatistics } from "./chat.statistics.ts"

const data = process.env["DATA"] ?? "data"

/** `Parley` can be injected in every module. Closing the application closes the instance. */
@Module({
  imports: [
    UsersModule,
    ParleyModule.forRootAsync({
      imports: [UsersModule],
      inject: [UsersService],
      useFactory: (users: UsersService) =>
        createParley({
          store: SqliteStore.layer({ file: `${data}/chat.db` }),
          blobs: FileBlobs.layer({ directory: `${data}/files` }),
          dialects: [xuanxuan, spark],
          path: "/api/im",
          directory: users.directory,
          // Browsers cannot send headers with a WebSocket: its token is in the URL.
          authenticate: ({ headers, query }) => users.verify(headers.get("x-user-token") ?? query.get("access_token"))
        })
    })
  ],
  controllers: [ChatController],
  providers: [ChatStatistics]
})
export class ChatModule {}
