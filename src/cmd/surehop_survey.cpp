// SPDX-License-Identifier: Apache-2.0
#include "cmd/surehop_survey.h"

#include "address/path.h"
#include "cmd/surehop_request.h"
#include "control/survey.h"
#include "report/survey.h"

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

namespace surehop {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t at_once = 50;          // domains that are being looked up
constexpr int wait_ms = 500;                 // for one answer: then others have their turn
constexpr std::chrono::seconds patience{60}; // with one domain
constexpr std::size_t longest_line = 16'384;

int read_input(std::istream& in, Correspondents& correspondents) {
    std::string line;
    while (std::getline(in, line)) {
        if (line.size() > longest_line)
            line.resize(longest_line);
        correspondents.line(line);
    }
    return in.bad() ? EX_IOERR : EX_OK;
}

// One domain, from when it is first asked for.
struct Course {
    const std::string* domain;
    const std::vector<Correspondent>* all;
    std::size_t next = 0; // of `all`: not answered yet
    bool known = false;
    Steady::time_point begun;
};

class Progress {
  public:
    explicit Progress(std::size_t all) : all_(all), shown_(::isatty(STDERR_FILENO) == 1) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (shown_)
            std::fputs("\r\x1b[K", stderr);
    }
    void show(std::size_t done) const {
        if (!shown_)
            return;
        constexpr std::size_t width = 30;
        const std::size_t full = all_ == 0 ? width : width * done / all_;
        fmt::print(stderr, "\r[{:<{}}] {} of {} domains", std::string(full, '#'), width, done,
                   all_);
        std::fflush(stderr);
    }

  private:
    std::size_t all_;
    bool shown_;
};

class Survey {
  public:
    Survey(const SurveyQuestion& question, Answerer& answerer,
           const Correspondents::Domains& domains)
        : question_(question), answerer_(answerer), domains_(domains), waiting_(domains.begin()),
          progress_(domains.size()) {}

    Result<SurveySums> run() {
        begun_ = Steady::now();
        while (waiting_ != domains_.end() || !under_way_.empty()) {
            admit();
            if (auto asked = ask(); !asked)
                return Error{asked.error()};
            progress_.show(done_);
            if (under_way_.empty() && waiting_ != domains_.end())
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return std::move(sums_);
    }

  private:
    // Never more than `rate` a second, from the beginning; what was missed is not made up for.
    void admit() {
        const auto now = Steady::now();
        const auto since = std::chrono::duration<double>(now - begun_).count();
        allowed_ = std::min(allowed_ + since * question_.rate,
                            static_cast<double>(std::max<std::uint32_t>(question_.rate, 1)));
        begun_ = now;
        for (; allowed_ >= 1 && under_way_.size() < at_once && waiting_ != domains_.end();
             ++waiting_, allowed_ -= 1)
            under_way_.push_back({&waiting_->first, &waiting_->second, 0, false, now});
    }

    // Of a domain that is not known yet the first correspondent, of others as many as there is
    // room for.
    Status ask() {
        if (under_way_.empty())
            return Done{};
        Json asks = Json::array();
        std::vector<std::pair<Course*, std::size_t>> whose;
        for (Course& course : under_way_) {
            const std::size_t end =
                course.known ? course.all->size() : std::min(course.next + 1, course.all->size());
            for (std::size_t i = course.next; i < end && asks.size() < most_surveyed; ++i) {
                const Correspondent& one = (*course.all)[i];
                const std::string& sender = one.sender ? *one.sender : question_.sender;
                asks.push_back({one.recipient, sender.empty() ? Json(nullptr) : Json(sender)});
                whose.emplace_back(&course, i);
            }
        }
        const auto result = answerer_.ask({{"do", "survey"},
                                           {"ask", std::move(asks)},
                                           {"lock", question_.lock},
                                           {"wait_ms", wait_ms}});
        if (!result)
            return Error{result.error()};
        const Json& answers = result->at("answers");
        if (answers.size() != whose.size())
            return Error{"surehopd does not answer all that it was asked"};
        for (std::size_t i = 0; i < whose.size(); ++i)
            take(*whose[i].first, whose[i].second, answers[i]);
        std::erase_if(under_way_, [&](const Course& course) {
            const bool over = course.next == course.all->size();
            done_ += over ? 1 : 0;
            return over;
        });
        return Done{};
    }

    void take(Course& course, std::size_t place, const Json& answer) {
        if (course.next != place)
            return; // one before it is still to come
        const Correspondent& one = (*course.all)[place];
        if (answer.at("pending") == false) {
            course.known = true;
            sums_.add(*course.domain, one, answer);
            ++course.next;
        } else if (Steady::now() - course.begun > patience) {
            sums_.add_untold(*course.domain, one);
            ++course.next;
        }
    }

    const SurveyQuestion& question_;
    Answerer& answerer_;
    const Correspondents::Domains& domains_;
    Correspondents::Domains::const_iterator waiting_;
    std::vector<Course> under_way_;
    std::size_t done_ = 0;
    double allowed_ = 1;
    Steady::time_point begun_;
    Progress progress_;
    SurveySums sums_;
};

// What could not be read is said, and is no reason to give up the rest.
void tell_problems(const SurveyQuestion& question, const Correspondents& correspondents) {
    const std::string name = question.file == "-" ? "standard input" : question.file;
    for (const std::string& complaint : correspondents.complaints())
        (void)complain(fmt::format("{}: {}; it is left out", name, complaint), EX_OK);
    if (const auto more = correspondents.not_read() - correspondents.complaints().size(); more > 0)
        (void)complain(fmt::format("{}: {} more lines like these", name, more), EX_OK);
    if (correspondents.full())
        (void)complain(
            fmt::format("{}: there are too many recipients; survey a shorter time", name), EX_OK);
}

} // namespace

int survey(const SurveyQuestion& question, const AnswererPlace& place) {
    if (!question.sender.empty())
        if (const auto sender = Path::parse(question.sender); !sender)
            return complain("--from: " + sender.error(), EX_USAGE);
    Correspondents correspondents;
    int status = EX_OK;
    if (question.file == "-") {
        status = read_input(std::cin, correspondents);
    } else {
        std::ifstream in(question.file, std::ios::binary);
        if (!in)
            return complain(fmt::format("cannot read {}: {}", question.file, std::strerror(errno)),
                            EX_NOINPUT);
        status = read_input(in, correspondents);
    }
    if (status != EX_OK)
        return complain(fmt::format("cannot read {}", question.file), status);
    tell_problems(question, correspondents);
    const Correspondents::Domains domains = correspondents.domains();
    if (domains.empty())
        return complain(fmt::format("{} names nobody to whom mail was sent: a list has an address "
                                    "or a domain on each line, and of a mail log lines count that "
                                    "tell of a delivery over SMTP (\"to=<...>\")",
                                    question.file == "-" ? "standard input" : question.file),
                        EX_DATAERR);
    auto answerer = Answerer::open(place, true, status);
    if (!answerer)
        return status;
    auto sums = Survey(question, *answerer, domains).run();
    if (!sums)
        return complain(sums.error(), EX_UNAVAILABLE);
    Json json = sums->json();
    json["not_read"] = correspondents.not_read();
    const SurveyView view{question.minimum, question.top};
    fmt::print("{}", question.json  ? print_json(json, 2) + "\n"
                     : question.csv ? survey_csv(json)
                                    : survey_text(json, view));
    return EX_OK;
}

} // namespace surehop
