// A web server of Node that sends bodies back; what it does otherwise is in the query (see _echoservers.py).
import { createServer } from "node:http";

let connections = 0;

const server = createServer((request, response) => {
    const query = new URL(request.url, "http://localhost").searchParams;
    const pieces = [];
    if (query.get("how") === "early") {
        response.writeHead(413, { "content-length": 3, connection: "close" });
        response.end("big", () => request.destroy());
        return;
    }
    request.on("data", (piece) => pieces.push(piece));
    request.on("error", () => {});
    response.on("error", () => {});
    request.on("end", () => {
        const body = Buffer.concat(pieces);
        const cut = query.has("cut") ? Number(query.get("cut")) : Number.POSITIVE_INFINITY;
        if (cut < 0) {
            request.socket.destroy();
            return;
        }
        const fields = { "x-connection": request.socket.number, "x-trailer": request.trailers["x-t"] ?? "" };
        if (query.get("how") !== "chunks") fields["content-length"] = body.length;
        if (query.get("how") === "close") fields.connection = "close";
        response.writeHead(200, fields);
        if (request.method === "HEAD") {
            response.end();
            return;
        }
        const size = Number(query.get("size") ?? "10000");
        let at = 0;
        const more = () => {
            if (at >= cut) {
                request.socket.destroy();
            } else if (at >= body.length) {
                if (query.get("how") === "chunks") response.addTrailers({ "x-sum": String(body.length) });
                response.end();
            } else {
                response.write(body.subarray(at, at + size), more);
                at += size;
            }
        };
        more();
    });
});
server.keepAliveTimeout = 600_000;
server.maxRequestsPerSocket = 200;
server.on("connection", (socket) => {
    socket.number = ++connections;
});
server.listen(Number(process.argv[2]), "127.0.0.1");
