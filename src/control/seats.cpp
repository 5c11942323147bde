// SPDX-License-Identifier: Apache-2.0
#include "control/seats.h"

namespace surehop {

ControlSeats::Seat ControlSeats::take(uid_t user) {
    if (user == 0 || user == own_)
        return Seat(this, [](void*) {});
    std::size_t& held = held_[user];
    if (held >= most_of_one || others_ >= most_of_others) {
        if (held == 0)
            held_.erase(user);
        return nullptr;
    }
    ++held;
    ++others_;
    return Seat(this, [this, user](void*) {
        --others_;
        if (--held_[user] == 0)
            held_.erase(user);
    });
}

bool ControlSeats::worth_telling(std::chrono::steady_clock::time_point now) {
    if (told_ && now - *told_ < std::chrono::minutes{1})
        return false;
    told_ = now;
    return true;
}

} // namespace surehop
