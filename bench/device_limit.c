/*
 * device_limit.c - what a TAP allows at most: a responder that does as little as one can do and
 * still be talked to by the kernel's TCP.
 *
 *     device_limit --dev TAP --addr ADDR/PREFIX [--offload on|off] [--busy]
 *
 * prints "ready" and serves until it is killed: TCP 9 discard, 19 chargen, 80 HTTP (/ and /100 with
 * 100 octets, /10k with 10,240, `Connection: close`), UDP 9 discard.
 *
 * Handshake, window and ACKs are all there is. It is no TCP: what is lost on the way out stays
 * lost, what comes out of order is thrown away, no checksum is verified, there is no congestion
 * control, no timer, no TIME-WAIT, no second peer, and text is never copied: what comes is looked
 * at in the buffer that it was read into, what goes out are constant frames whose headers are
 * written anew and whose text was summed up once. A stack that comes near it has little left to
 * save.
 *
 * With --offload on, frames carry a virtio_net_hdr: up to 64 KB both ways (TSO in, GSO out), and
 * the checksum of text is nobody's work. With --busy it asks the device again and again in place of
 * sleeping in epoll_wait().
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bare_frame.h"

enum {
    MSS = 1460, /* of an MTU of 1500: there is no other here */
    BIG = 44 * MSS,
    ETH = 14,
    IP = 20,
    TCP = 20,
    HEADERS = ETH + IP + TCP,
    SYN_OPTIONS = 8,
    SCALE = 7,
    WINDOW = 4 * 1024 * 1024, /* what tapio offers at most */
    BATCH = 64,
    TURN_FRAMES = 64, /* a connection sends before frames are read again */
    ANSWER_PIECES = 8,
    SMALL_BODY = 100,
    LARGE_BODY = 10240,
    FIN = 1,
    SYN = 2,
    RST = 4,
    PSH = 8,
    ACK = 16,
};

/* A frame's worth of constant text, with room for what goes before it. */
struct piece {
    uint32_t len;
    uint32_t sum;
    uint8_t room[VNET + HEADERS];
    uint8_t text[]; /* up to `most` */
};

struct answer {
    int count;
    struct piece *pieces[ANSWER_PIECES];
};

enum service { DISCARD, CHARGEN, HTTP, SERVICES };

struct conn {
    uint32_t rcv_nxt, snd_nxt;
    uint32_t limit; /* where the peer's window ends */
    const struct answer *answer;
    int piece; /* the next of the answer */
    uint16_t port;
    uint8_t service, scale;
    bool open, owes_ack, listed;
    bool closes, sent_fin, peer_done;
};

static struct conn conns[SERVICES][65536]; /* by the peer's port */
static struct conn *todo[SERVICES * 65536];
static size_t todo_count;

static struct answer small, large;
static struct piece *stream; /* chargen's, again and again; any beginning of it will do */
static struct piece *bare;   /* no text */

static int tap;
static bool big_frames;
static uint8_t our_mac[6] = {0x02, 0, 0, 0, 0, 0x09};
static uint32_t our_addr, peer_addr; /* in network order */
static uint8_t peer_mac[6];

/* --- out ------------------------------------------------------------------------------------ */

static void write_frame(uint8_t *frame, size_t len)
{
    if (!big_frames) {
        frame += VNET;
        len -= VNET;
    }
    /* One that the kernel does not take is lost, as on a wire. */
    if (write(tap, frame, len) < 0 && errno != EAGAIN && errno != EIO)
        die("write");
}

/* Every frame of TCP that is sent: headers before `len` octets of the piece's text. */
static void send_segment(const struct conn *conn, struct piece *piece, size_t len, uint8_t flags)
{
    static const uint16_t ports[SERVICES] = {9, 19, 80};
    static const uint8_t ip_start[12] = {
        0x45, [6] = 0x40, [8] = 0x40, [9] = 6}; /* DF, 64 hops, TCP */
    size_t options = flags & SYN ? SYN_OPTIONS : 0;
    uint8_t *eth = piece->room + VNET, *ip = eth + ETH, *tcp = ip + IP;
    uint32_t window = flags & SYN ? 65535 : WINDOW >> SCALE;

    memcpy(eth, peer_mac, 6);
    memcpy(eth + 6, our_mac, 6);
    put16(eth + 12, 0x0800);
    memcpy(ip, ip_start, sizeof ip_start);
    put16(ip + 2, (uint32_t)(IP + TCP + options + len));
    memcpy(ip + 12, &our_addr, 4);
    memcpy(ip + 16, &peer_addr, 4);
    uint32_t addrs = sum_of_addr(our_addr) + sum_of_addr(peer_addr);
    put16(ip + 10, ~fold(0x4500 + 0x4000 + 0x4006 + get16(ip + 2) + addrs) & 0xffffu);
    put16(tcp, ports[conn->service]);
    put16(tcp + 2, conn->port);
    put32(tcp + 4, conn->snd_nxt);
    put32(tcp + 8, conn->rcv_nxt);
    put16(tcp + 12, (uint32_t)((TCP + options) / 4 << 12 | flags));
    put16(tcp + 14, window > 65535 ? 65535 : window);
    put32(tcp + 16, 0);
    uint32_t pseudo = addrs + 6 + (uint32_t)(TCP + options + len);
    struct virtio_net_hdr *vnet = (void *)piece->room;
    if (big_frames) {
        *vnet = (struct virtio_net_hdr){
            .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = ETH + IP, .csum_offset = 16};
        if (len > MSS) {
            vnet->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
            vnet->gso_size = MSS;
            vnet->hdr_len = HEADERS;
        }
        put16(tcp + 16, fold(pseudo));
    } else {
        put16(tcp + 16, ~fold(pseudo + piece->sum + sum_of(tcp, TCP)) & 0xffffu);
    }
    write_frame(piece->room, VNET + HEADERS + options + len);
}

/* The only segment with options, which stand where text would: MSS, and a window scale. */
static void send_syn_ack(struct conn *conn)
{
    memcpy(bare->text, "\x02\x04\0\0\x01\x03\x03", 7);
    put16(bare->text + 2, MSS);
    bare->text[7] = SCALE;
    bare->sum = sum_of(bare->text, SYN_OPTIONS);
    send_segment(conn, bare, 0, SYN | ACK);
    bare->sum = 0;
    conn->snd_nxt++;
}

/* Sends what the window takes. True when there is more to send at once. */
static bool send_text(struct conn *conn)
{
    for (int i = 0; i < TURN_FRAMES; i++) {
        bool endless = conn->service == CHARGEN;
        if (!endless && (!conn->answer || conn->piece == conn->answer->count))
            return false;
        struct piece *piece = endless ? stream : conn->answer->pieces[conn->piece];
        int32_t window = (int32_t)(conn->limit - conn->snd_nxt);
        uint32_t len = piece->len;
        if (endless && window > 0 && (uint32_t)window < len)
            len = (uint32_t)window / MSS * MSS;
        if (len == 0 || window < (int32_t)len)
            return false;
        bool last = !endless && ++conn->piece == conn->answer->count;
        bool fin = last && conn->closes;
        send_segment(conn, piece, len, (uint8_t)(ACK | (last ? PSH : 0) | (fin ? FIN : 0)));
        conn->snd_nxt += len + fin;
        conn->sent_fin = conn->sent_fin || fin;
        conn->owes_ack = false;
    }
    return true;
}

/* What the batch has left to do for a connection, once. True: and again after the next. */
static bool pay(struct conn *conn)
{
    if (!conn->open)
        return false;
    bool more = !conn->peer_done && send_text(conn);
    if (conn->peer_done && !conn->sent_fin) {
        send_segment(conn, bare, 0, ACK | FIN);
        conn->sent_fin = true;
    } else if (conn->owes_ack) {
        send_segment(conn, bare, 0, ACK);
    }
    conn->owes_ack = false;
    conn->open = !(conn->peer_done && conn->sent_fin); /* nobody waits for the last ACK */
    return more;
}

static void list(struct conn *conn)
{
    if (!conn->listed)
        todo[todo_count++] = conn;
    conn->listed = true;
}

static void pay_all(void)
{
    size_t count = todo_count;

    todo_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct conn *conn = todo[i];
        conn->listed = false;
        if (pay(conn))
            list(conn);
    }
}

/* --- in ------------------------------------------------------------------------------------- */

/* One request at a time, whole: so our client asks. */
static void take_request(struct conn *conn, const uint8_t *text, size_t len)
{
    if (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0)
        return;
    conn->answer = len > 8 && memcmp(text, "GET /10k", 8) == 0 ? &large : &small;
    conn->piece = 0;
    conn->closes = memmem(text, len, "\r\nConnection: close", 19) != NULL;
}

/* Where the peer's window scale stands among the options, if there is one. */
static uint8_t scale_of(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at != 0) {
        if (*at == 1) {
            at++;
        } else if (end - at < 2 || at[1] < 2) {
            break;
        } else if (*at == 3 && end - at > 2) {
            return at[2] < 14 ? at[2] : 14;
        } else {
            at += at[1];
        }
    }
    return 0;
}

static void open_conn(struct conn *conn, const uint8_t *tcp, size_t header)
{
    conn->open = true;
    conn->owes_ack = conn->closes = conn->sent_fin = conn->peer_done = false;
    conn->answer = NULL;
    conn->rcv_nxt = get32(tcp + 4) + 1;
    conn->snd_nxt += 64 * 1024; /* beyond whatever this pair of ports has seen */
    conn->scale = scale_of(tcp + TCP, tcp + header);
    conn->limit = conn->snd_nxt + 1 + get16(tcp + 14);
    send_syn_ack(conn);
}

static void text_arrives(struct conn *conn, const uint8_t *tcp, size_t header, size_t len)
{
    bool fin = tcp[13] & FIN;

    if (len == 0 && !fin)
        return;
    conn->owes_ack = true;
    if (get32(tcp + 4) != conn->rcv_nxt)
        return; /* the ACK says what is missing */
    conn->rcv_nxt += (uint32_t)len + fin;
    conn->peer_done = fin;
    if (conn->service == HTTP && len > 0)
        take_request(conn, tcp + header, len);
}

static void tcp_arrives(const uint8_t *tcp, size_t len)
{
    size_t header = len < TCP ? 0 : (size_t)(tcp[12] >> 4) * 4;

    if (header < TCP || header > len)
        return;
    uint16_t port = get16(tcp + 2);
    enum service service = port == 9 ? DISCARD : port == 19 ? CHARGEN : HTTP;
    struct conn *conn = &conns[service][get16(tcp)];
    uint8_t flags = tcp[13];
    conn->service = (uint8_t)service;
    conn->port = get16(tcp);
    if (flags & RST) {
        conn->open = false;
    } else if (flags & SYN) {
        open_conn(conn, tcp, header);
    } else if (conn->open) {
        uint32_t limit = get32(tcp + 8) + ((uint32_t)get16(tcp + 14) << conn->scale);
        if ((int32_t)(limit - conn->limit) > 0)
            conn->limit = limit;
        text_arrives(conn, tcp, header, len - header);
        list(conn);
    } else if (flags & FIN) { /* it did not get our last ACK */
        conn->rcv_nxt = get32(tcp + 4) + (uint32_t)(len - header) + 1;
        send_segment(conn, bare, 0, ACK);
    }
}

static void arp_arrives(const uint8_t *arp, size_t len)
{
    static uint8_t frame[VNET + ETH + 28];
    uint8_t *eth = frame + VNET, *out = eth + ETH;

    if (len < 28 || get16(arp + 6) != 1 || memcmp(arp + 24, &our_addr, 4) != 0)
        return;
    memcpy(eth, arp + 8, 6);
    memcpy(eth + 6, our_mac, 6);
    put16(eth + 12, 0x0806);
    memcpy(out, arp, 6);
    put16(out + 6, 2);
    memcpy(out + 8, our_mac, 6);
    memcpy(out + 14, &our_addr, 4);
    memcpy(out + 18, arp + 8, 10);
    write_frame(frame, sizeof frame);
}

static void frame_arrives(const uint8_t *eth, size_t len)
{
    const uint8_t *ip = eth + ETH;

    if (len < ETH + IP)
        return;
    if (get16(eth + 12) == 0x0806) {
        arp_arrives(ip, len - ETH);
        return;
    }
    size_t total = get16(ip + 2);
    if (get16(eth + 12) != 0x0800 || ip[0] != 0x45 || total < IP || total > len - ETH ||
        memcmp(ip + 16, &our_addr, 4) != 0)
        return;
    memcpy(peer_mac, eth + 6, 6);
    memcpy(&peer_addr, ip + 12, 4);
    if (ip[9] == 6)
        tcp_arrives(ip + IP, total - IP); /* a datagram has arrived, and that was its purpose */
}

/* At most BATCH frames; true when there may be more. */
static bool read_batch(void)
{
    static uint8_t frame[VNET + ETH + 65535 + 1];
    size_t before = big_frames ? VNET : 0;

    for (int i = 0; i < BATCH; i++) {
        ssize_t len = read(tap, frame, sizeof frame);
        if (len < 0 && errno != EAGAIN)
            die("read");
        if (len < (ssize_t)before)
            return false;
        frame_arrives(frame + before, (size_t)len - before);
    }
    return true;
}

/* --- setting up ----------------------------------------------------------------------------- */

static struct piece *make_piece(size_t most, const char *text, size_t len)
{
    struct piece *piece = calloc(1, sizeof *piece + most);

    if (!piece)
        die("calloc");
    if (text)
        memcpy(piece->text, text, len);
    else
        memset(piece->text, 'x', len);
    piece->len = (uint32_t)len;
    piece->sum = sum_of(piece->text, len);
    return piece;
}

static void make_answer(struct answer *answer, int body)
{
    static char text[256 + LARGE_BODY];
    int header = snprintf(text, sizeof text,
                          "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
                          "Content-Type: text/html\r\n\r\n",
                          body);
    size_t len = (size_t)header + (size_t)body, step = big_frames ? BIG : MSS;

    memset(text + header, 'x', (size_t)body);
    for (size_t at = 0; at < len; at += step) {
        size_t part = len - at < step ? len - at : step;
        answer->pieces[answer->count++] = make_piece(part, text + at, part);
    }
}

static void run(bool busy)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, tap, &event) < 0)
        die("epoll");
    for (;;) {
        bool more = read_batch();
        pay_all();
        if (!more && todo_count == 0 && !busy)
            (void)epoll_wait(epoll, &event, 1, -1);
    }
}

int main(int argc, char **argv)
{
    const char *name = NULL;
    char addr[INET_ADDRSTRLEN] = "";
    bool busy = false;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--busy") == 0)
            busy = true;
        else if (strcmp(argv[i], "--dev") == 0)
            name = value, i++;
        else if (strcmp(argv[i], "--addr") == 0)
            snprintf(addr, sizeof addr, "%.*s", (int)strcspn(value, "/"), value), i++;
        else if (strcmp(argv[i], "--offload") == 0)
            big_frames = strcmp(value, "off") != 0, i++;
    }
    if (!name || inet_pton(AF_INET, addr, &our_addr) != 1) {
        fprintf(stderr,
                "usage: device_limit --dev TAP --addr ADDR/PREFIX [--offload on|off] [--busy]\n");
        return 2;
    }
    make_answer(&small, SMALL_BODY);
    make_answer(&large, LARGE_BODY);
    stream = make_piece(BIG, NULL, big_frames ? BIG : MSS);
    bare = make_piece(SYN_OPTIONS, NULL, 0);
    tap = open_tap(name, big_frames);
    printf("ready\n");
    fflush(stdout);
    run(busy);
}
