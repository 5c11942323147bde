# Reads gcov -n for many objects; prints lines covered per source below src, and in all. A header is reported by each
# object that includes it: the best report counts.
BEGIN { sub(/^\.\//, "", src) }
/^File '/ { file = substr($0, 7, length($0) - 7); sub(/^\.\//, "", file); next }
/^Lines executed:/ && index(file, src) == 1 {
    split($0, part, /[:% ]+/)
    percent = part[3]; lines = part[5]
    if (lines * percent > total[file] * best[file]) { best[file] = percent }
    if (lines > total[file]) total[file] = lines
    file = ""
}
END {
    for (f in total) {
        printf "%6.2f%% of %5d  %s\n", best[f], total[f], f | "sort -k4"
        lines_all += total[f]; done_all += total[f] * best[f] / 100
    }
    close("sort -k4")
    if (!lines_all) { print "nothing measured: coverage needs g++ and its gcov"; exit 1 }
    printf "%6.2f%% of %5d  lines in all\n", 100 * done_all / lines_all, lines_all
}
