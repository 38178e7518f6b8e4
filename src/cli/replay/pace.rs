use std::time::Duration;

/// How fast a replay goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the brokers take events.
    Max,
    /// Events a second.
    Rate(f64),
    /// Times the pace of the events' own times.
    Speed(f64),
}

/// Shortest wait: sleeps are not more exact than that, and fewer of them leave the core to others.
const TICK: Duration = Duration::from_millis(1);
/// Events go in slices of this length..
const SLICE: Duration = Duration::from_millis(5);
/// ..and none holds more than the events of this time, also when the replay is late and catches up.
const BURST: Duration = Duration::from_millis(10);

/// Says when the next event may go. It has no clock: the time since the start is an argument.
///
/// Due times count from the start, so a late event makes none after it late: there is no drift. Arrears (a broker that
/// was away) are made good at twice the rate.
#[derive(Debug)]
pub struct Pacer {
    pace: Pace,
    /// Events that went.
    gone: u64,
    slice: Duration,
    in_slice: u64,
    /// Nanoseconds since 1970 of the first event that has a time.
    first: Option<i64>,
}

impl Pacer {
    pub fn new(pace: Pace) -> Self {
        Pacer { pace, gone: 0, slice: Duration::ZERO, in_slice: 0, first: None }
    }

    /// Zero: the next event goes now, and is counted as gone. Else how long to wait before asking again.
    ///
    /// `time` is the event's own, in nanoseconds since 1970; an event without one goes with the event before it.
    pub fn wait(&mut self, elapsed: Duration, time: Option<i64>) -> Duration {
        let wait = match self.pace {
            Pace::Max => Duration::ZERO,
            Pace::Rate(rate) => self.wait_for_rate(rate, elapsed),
            Pace::Speed(speed) => {
                let Some(time) = time else { return Duration::ZERO };
                let since = time.saturating_sub(*self.first.get_or_insert(time)).max(0);
                ahead(Duration::from_nanos(since as u64).as_secs_f64() / speed, elapsed)
            }
        };
        if wait.is_zero() {
            self.gone += 1;
            self.in_slice += 1;
        }
        wait
    }

    fn wait_for_rate(&mut self, rate: f64, elapsed: Duration) -> Duration {
        let early = ahead(self.gone as f64 / rate, elapsed);
        if !early.is_zero() {
            return early;
        }
        let slice_end = self.slice + SLICE;
        if elapsed >= slice_end {
            (self.slice, self.in_slice) = (elapsed, 0);
        } else if self.in_slice as f64 >= (rate * BURST.as_secs_f64()).max(1.0) {
            return (slice_end - elapsed).max(TICK);
        }
        Duration::ZERO
    }
}

/// Time until a moment that is `due` seconds after the start, at least a tick unless it is there.
fn ahead(due: f64, elapsed: Duration) -> Duration {
    // beyond what a Duration can hold is never
    let due = Duration::try_from_secs_f64(due).unwrap_or(Duration::MAX);
    if due <= elapsed { Duration::ZERO } else { (due - elapsed).max(TICK) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a pacer on a clock that only its waits (each `late` longer than asked) move; gives when each event went.
    fn run(pace: Pace, times: &[Option<i64>], late: Duration) -> Vec<Duration> {
        let (mut pacer, mut clock, mut went) = (Pacer::new(pace), Duration::ZERO, Vec::new());
        for time in times {
            loop {
                let wait = pacer.wait(clock, *time);
                if wait.is_zero() {
                    went.push(clock);
                    break;
                }
                clock += wait + late;
            }
        }
        went
    }

    #[test]
    fn a_rate_does_not_drift_though_every_sleep_is_too_long() {
        for rate in [0.5, 3.0, 199.0, 1_000.0, 250_000.0] {
            let n = (rate * 4.0) as usize + 1;
            let went = run(Pace::Rate(rate), &vec![None; n], Duration::from_micros(700));
            let seconds = went[n - 1].as_secs_f64();
            assert!((seconds - (n - 1) as f64 / rate).abs() < 0.005, "{rate}: {seconds}");
        }
    }

    #[test]
    fn no_ten_milliseconds_hold_much_more_than_twice_their_share() {
        let mut pacer = Pacer::new(Pace::Rate(10_000.0));
        let (mut clock, mut per_slice) = (Duration::from_secs(2), Vec::new());
        // two seconds late from the start: 20,000 events are due
        while pacer.gone < 60_000 {
            let before = pacer.gone;
            while pacer.wait(clock, None).is_zero() {}
            per_slice.push(pacer.gone - before);
            clock += Duration::from_millis(5);
        }
        assert_eq!(per_slice.iter().max(), Some(&100), "10 ms of 10,000 a second");
        let caught_up = clock.as_secs_f64() - 2.0;
        assert!((3.9..4.2).contains(&caught_up), "60,000 events, the arrears at twice the rate: {caught_up}");
    }

    #[test]
    fn a_speed_follows_the_events_own_times() {
        let second = 1_000_000_000;
        let times = [None, Some(50 * second), Some(60 * second), None, Some(55 * second), Some(110 * second)];
        let went: Vec<f64> = run(Pace::Speed(10.0), &times, Duration::ZERO).iter().map(Duration::as_secs_f64).collect();
        assert_eq!(went, [0.0, 0.0, 1.0, 1.0, 1.0, 6.0]);
        assert!(Pacer::new(Pace::Speed(1e-300)).wait(Duration::ZERO, Some(0)).is_zero());
        let mut never = Pacer::new(Pace::Speed(1e-300));
        never.wait(Duration::ZERO, Some(0));
        assert!(never.wait(Duration::from_secs(1), Some(second)) > Duration::from_secs(1 << 40));
    }

    #[test]
    fn max_never_waits() {
        assert!(run(Pace::Max, &vec![Some(i64::MAX); 1000], Duration::ZERO).iter().all(Duration::is_zero));
    }
}
