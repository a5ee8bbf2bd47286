/*
 * http_mime.c - the media type of a file, by its name: the table.
 *
 * The types are what a site is made of and what people put on one for others to fetch; names are
 * those of the IANA registry where it has one. Anything else is octets, which a browser saves (RFC
 * 9110, 8.3: better than a guess). Text is said to be UTF-8, as nearly all is; JSON always is, and
 * XML says it itself.
 *
 * An extension that means different things to different people (.ts, .asc) is not here.
 */
#include "http/http_mime.h"

#include "http/http_octets.h"

/* clang-format off */
static const struct {
    const char *extension; /* in lower case */
    const char *type;
} types[] = {
    /* pages, and what they are made of */
    {"html", "text/html; charset=utf-8"},       {"htm", "text/html; charset=utf-8"},
    {"xhtml", "application/xhtml+xml"},         {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},   {"mjs", "text/javascript; charset=utf-8"},
    {"wasm", "application/wasm"},               {"webmanifest", "application/manifest+json"},
    {"map", "application/json"},                {"vtt", "text/vtt; charset=utf-8"},

    /* text */
    {"txt", "text/plain; charset=utf-8"},       {"text", "text/plain; charset=utf-8"},
    {"log", "text/plain; charset=utf-8"},       {"md", "text/markdown; charset=utf-8"},
    {"markdown", "text/markdown; charset=utf-8"}, {"csv", "text/csv; charset=utf-8"},
    {"tsv", "text/tab-separated-values; charset=utf-8"},
    {"ics", "text/calendar; charset=utf-8"},    {"vcf", "text/vcard; charset=utf-8"},

    /* data */
    {"json", "application/json"},               {"jsonld", "application/ld+json"},
    {"geojson", "application/geo+json"},        {"ndjson", "application/x-ndjson"},
    {"xml", "application/xml"},                 {"xsl", "application/xml"},
    {"xslt", "application/xslt+xml"},           {"atom", "application/atom+xml"},
    {"rss", "application/rss+xml"},             {"kml", "application/vnd.google-earth.kml+xml"},
    {"gpx", "application/gpx+xml"},             {"yaml", "application/yaml"},
    {"yml", "application/yaml"},                {"toml", "application/toml"},
    {"sql", "application/sql"},                 {"sqlite", "application/vnd.sqlite3"},
    {"pcap", "application/vnd.tcpdump.pcap"},   {"pcapng", "application/x-pcapng"},

    /* images */
    {"png", "image/png"},                       {"apng", "image/apng"},
    {"jpg", "image/jpeg"},                      {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},                       {"webp", "image/webp"},
    {"avif", "image/avif"},                     {"jxl", "image/jxl"},
    {"heic", "image/heic"},                     {"heif", "image/heif"},
    {"svg", "image/svg+xml"},                   {"ico", "image/vnd.microsoft.icon"},
    {"bmp", "image/bmp"},                       {"tif", "image/tiff"},
    {"tiff", "image/tiff"},

    /* sound */
    {"mp3", "audio/mpeg"},                      {"m4a", "audio/mp4"},
    {"aac", "audio/aac"},                       {"ogg", "audio/ogg"},
    {"oga", "audio/ogg"},                       {"opus", "audio/ogg"},
    {"flac", "audio/flac"},                     {"wav", "audio/wav"},
    {"weba", "audio/webm"},                     {"mid", "audio/midi"},
    {"midi", "audio/midi"},

    /* films */
    {"mp4", "video/mp4"},                       {"m4v", "video/mp4"},
    {"webm", "video/webm"},                     {"ogv", "video/ogg"},
    {"mov", "video/quicktime"},                 {"mkv", "video/matroska"},
    {"avi", "video/x-msvideo"},                 {"mpg", "video/mpeg"},
    {"mpeg", "video/mpeg"},                     {"m3u8", "application/vnd.apple.mpegurl"},
    {"mpd", "application/dash+xml"},

    /* fonts, models */
    {"woff", "font/woff"},                      {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},                        {"otf", "font/otf"},
    {"ttc", "font/collection"},                 {"eot", "application/vnd.ms-fontobject"},
    {"gltf", "model/gltf+json"},                {"glb", "model/gltf-binary"},
    {"stl", "model/stl"},

    /* documents */
    {"pdf", "application/pdf"},                 {"ps", "application/postscript"},
    {"rtf", "application/rtf"},                 {"epub", "application/epub+zip"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"doc", "application/msword"},              {"xls", "application/vnd.ms-excel"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},

    /* archives */
    {"gz", "application/gzip"},                 {"tgz", "application/gzip"},
    {"zst", "application/zstd"},                {"bz2", "application/x-bzip2"},
    {"xz", "application/x-xz"},                 {"tar", "application/x-tar"},
    {"zip", "application/zip"},                 {"7z", "application/x-7z-compressed"},
    {"rar", "application/vnd.rar"},             {"jar", "application/java-archive"},
    {"deb", "application/vnd.debian.binary-package"},
    {"rpm", "application/x-rpm"},               {"iso", "application/x-iso9660-image"},
    {"apk", "application/vnd.android.package-archive"},
};

/* Beside text/ itself, and whatever ends with +json or +xml. */
static const char *const compressible_applications[] = {
    "json", "javascript", "x-javascript", "xml", "wasm", "x-ndjson", "yaml", "toml", "sql", "rtf",
    "postscript", "x-tar", "vnd.sqlite3", "vnd.apple.mpegurl", "vnd.ms-fontobject",
};
static const char *const compressible_others[] = {
    "font/ttf", "font/otf", "font/collection", "image/bmp", "image/vnd.microsoft.icon",
    "image/x-icon", "model/stl", "model/gltf-binary",
};
/* clang-format on */

struct bytes http_mime_extension(const char *name, size_t len)
{
    size_t dot = len;

    while (dot > 0 && name[dot - 1] != '.' && name[dot - 1] != '/')
        dot--;
    if (dot == 0 || name[dot - 1] == '/')
        dot = len;
    return bytes_of(name + dot, len - dot);
}

const char *http_mime_type(const char *name, size_t len)
{
    const struct bytes extension = http_mime_extension(name, len);
    const char first = extension.len > 0 ? (char)http_lower(extension.at[0]) : '\0';

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].extension[0] == first && http_equals(extension, types[i].extension))
            return types[i].type;
    return "application/octet-stream";
}

static bool is_one_of(struct bytes b, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (http_equals(b, names[i]))
            return true;
    return false;
}

static bool ends_with(struct bytes b, const char *text)
{
    const size_t len = strlen(text);

    return b.len > len && http_equals(bytes_skip(b, b.len - len), text);
}

bool http_mime_is_compressible(const char *type)
{
    static const char application[] = "application/";
    const size_t prefix = sizeof(application) - 1;
    struct bytes name = bytes_of(type, 0); /* without parameters */

    while (type[name.len] && type[name.len] != ';')
        name.len++;
    name = http_trim(name);
    if (http_equals(bytes_first(name, 5), "text/") || ends_with(name, "+json") ||
        ends_with(name, "+xml"))
        return true;
    if (http_equals(bytes_first(name, prefix), application))
        return is_one_of(bytes_skip(name, prefix), compressible_applications,
                         ARRAY_LEN(compressible_applications));
    return is_one_of(name, compressible_others, ARRAY_LEN(compressible_others));
}
