/**
 * Two engines on one store. Each test runs on a bus that delivers, and on one that loses every packet: then all changes reach
 * the other engine within two seconds. It runs on NATS in `packages/adapter-nats`.
 */
import { BUSES } from "./twoNodes.ts"
import { describeChats } from "./twoNodesChats.ts"
import { describeUsers } from "./twoNodesUsers.ts"

for (const nodes of BUSES) {
  describeChats(nodes)
  describeUsers(nodes)
}
