//! When a secret may be rotated: days and hours in a time zone. Instants come in as arguments.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far ahead an opening is looked for, in days: a weekly one that falls into the hour that a change to summer time skips
/// opens a week later.
const AHEAD: i32 = 15;

/// Days and hours, `rotation { window { … } }`. It opens at `from` on each of its days, and closes at the next `to`.
#[derive(Clone, PartialEq, Eq)]
pub struct Window {
    days: Vec<Weekday>,
    from: Time,
    to: Time,
    zone: TimeZone,
}

/// Why there is no such window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoWindow {
    /// It has no days.
    NoDays,
    /// It closes when it opens.
    NoHours,
}

impl Window {
    /// A window on those days.
    ///
    /// # Errors
    /// [`NoWindow`] for one that would never open.
    pub fn new(mut days: Vec<Weekday>, from: Time, to: Time, zone: TimeZone) -> Result<Self, NoWindow> {
        days.sort_by_key(|day| day.to_monday_zero_offset());
        days.dedup();
        if days.is_empty() {
            return Err(NoWindow::NoDays);
        }
        if from == to && from != Time::midnight() {
            return Err(NoWindow::NoHours);
        }
        Ok(Self { days, from, to, zone })
    }

    /// Whether it is open at that instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.next_opening(at) == at
    }

    /// The first instant from `at` on at which it is open: `at` itself where it is.
    pub fn next_opening(&self, at: Timestamp) -> Timestamp {
        let today = at.to_zoned(self.zone.clone()).date();
        let near = (-1..AHEAD).filter_map(|ahead| today.checked_add(ahead.days()).ok());
        let mut spans = near.filter_map(|day| self.span(day));
        spans
            .find(|(_, closes)| *closes > at)
            .map_or(Timestamp::MAX, |(opens, _)| opens.max(at))
    }

    /// From when to when it is open after its opening on that day; `None` where it does not open. An hour that a change of the clocks
    /// skips is taken as the one after it, and of one that it repeats the first is meant (RFC 5545 §3.3.5).
    fn span(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        if !self.days.contains(&day.weekday()) {
            return None;
        }
        let instant = |day: Date, time| self.zone.to_timestamp(day.to_datetime(time)).ok();
        let last = if self.to > self.from { day } else { day.tomorrow().ok()? };
        let (opens, closes) = (instant(day, self.from)?, instant(last, self.to)?);
        (opens < closes).then_some((opens, closes))
    }

    /// An opening as a person says it: `sat 02:00 Europe/Berlin (2026-12-05T01:00:00Z)`.
    pub fn in_words(&self, opening: Timestamp) -> String {
        let local = opening.to_zoned(self.zone.clone());
        let (day, time) = (short(local.weekday()), hours(local.time()));
        format!("{day} {time} {} ({opening})", self.zone_name())
    }

    fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

/// `sat, sun 02:00–06:00 Europe/Berlin`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> = self.days.iter().map(|day| short(*day)).collect();
        let days = match days.len() {
            7 => "every day".to_owned(),
            _ => days.join(", "),
        };
        write!(f, "{days} {}–{} {}", hours(self.from), hours(self.to), self.zone_name())
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Window({self})")
    }
}

/// The names of the days, from Monday on.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The day of that name.
pub fn day(name: &str) -> Option<Weekday> {
    let at = DAYS.iter().position(|known| *known == name)?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

fn short(day: Weekday) -> &'static str {
    let at = usize::from(day.to_monday_zero_offset().unsigned_abs());
    DAYS.get(at).copied().unwrap_or_default()
}

fn hours(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// Reads `02:00`; `24:00` is the end of the day, midnight.
pub fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[&str], from: &str, to: &str, zone: &str) -> Window {
        let days = days.iter().map(|name| day(name).unwrap()).collect();
        Window::new(
            days,
            time(from).unwrap(),
            time(to).unwrap(),
            TimeZone::get(zone).unwrap(),
        )
        .unwrap()
    }

    fn opening(window: &Window, at: &str) -> String {
        window.next_opening(at.parse().unwrap()).to_string()
    }

    #[test]
    fn it_opens_on_its_days_in_its_zone() {
        let weekend = window(&["sun", "sat"], "02:00", "06:00", "Europe/Berlin");
        for (at, opens) in [
            ("2026-12-04T12:00:00Z", "2026-12-05T01:00:00Z"),
            ("2026-12-05T00:59:59Z", "2026-12-05T01:00:00Z"),
            ("2026-12-05T01:00:00Z", "2026-12-05T01:00:00Z"),
            ("2026-12-05T03:30:00Z", "2026-12-05T03:30:00Z"),
            ("2026-12-05T05:00:00Z", "2026-12-06T01:00:00Z"),
            ("2026-12-06T05:00:00Z", "2026-12-12T01:00:00Z"),
            // Summer time.
            ("2026-07-01T00:00:00Z", "2026-07-04T00:00:00Z"),
        ] {
            assert_eq!(opening(&weekend, at), opens, "{at}");
        }
        assert_eq!(weekend.to_string(), "sat, sun 02:00–06:00 Europe/Berlin");
        let words = weekend.in_words("2026-12-05T01:00:00Z".parse().unwrap());
        assert_eq!(words, "sat 02:00 Europe/Berlin (2026-12-05T01:00:00Z)");
    }

    #[test]
    fn one_past_midnight_belongs_to_the_day_on_which_it_opens() {
        let friday_night = window(&["fri"], "22:00", "02:00", "UTC");
        assert!(friday_night.is_open("2026-12-04T23:00:00Z".parse().unwrap()));
        assert!(friday_night.is_open("2026-12-05T01:59:00Z".parse().unwrap()));
        assert!(!friday_night.is_open("2026-12-05T02:00:00Z".parse().unwrap()));
        assert!(!friday_night.is_open("2026-12-04T01:00:00Z".parse().unwrap()));
        let saturday = window(&["sat"], "00:00", "24:00", "UTC");
        assert!(saturday.is_open("2026-12-05T23:59:59Z".parse().unwrap()));
        assert_eq!(opening(&saturday, "2026-12-06T00:00:00Z"), "2026-12-12T00:00:00Z");
    }

    #[test]
    fn a_change_of_the_clocks_moves_or_skips_an_opening() {
        // On 2026-03-29 the clocks of Berlin go from 02:00 to 03:00, on 2026-10-25 from 03:00 back to 02:00.
        let early = window(&["sun"], "02:30", "05:00", "Europe/Berlin");
        assert_eq!(opening(&early, "2026-03-28T00:00:00Z"), "2026-03-29T01:30:00Z");
        let skipped = window(&["sun"], "02:00", "03:00", "Europe/Berlin");
        assert_eq!(opening(&skipped, "2026-03-28T00:00:00Z"), "2026-04-05T00:00:00Z");
        let repeated = window(&["sun"], "02:30", "04:00", "Europe/Berlin");
        assert_eq!(opening(&repeated, "2026-10-24T23:00:00Z"), "2026-10-25T00:30:00Z");
        assert!(repeated.is_open("2026-10-25T02:59:00Z".parse().unwrap()));
        assert!(!repeated.is_open("2026-10-25T03:00:00Z".parse().unwrap()));
    }

    #[test]
    fn one_that_never_opens_is_none() {
        let of = |days: &[&str], from: &str, to: &str| {
            let days = days.iter().map(|name| day(name).unwrap()).collect();
            Window::new(days, time(from).unwrap(), time(to).unwrap(), TimeZone::UTC).err()
        };
        assert_eq!(of(&[], "02:00", "06:00"), Some(NoWindow::NoDays));
        assert_eq!(of(&["sat"], "02:00", "02:00"), Some(NoWindow::NoHours));
        assert_eq!(of(&["sat", "sat"], "02:00", "06:00"), None);
    }

    #[test]
    fn only_hours_and_minutes_are_read() {
        assert!(time("02:00").is_some());
        for wrong in [
            "2:00", "02:60", "25:00", "24:01", "02:00:00", "0200", "", "aa:bb", "+2:00",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
        assert_eq!(day("sat"), Some(Weekday::Saturday));
        assert_eq!(day("Saturday"), None);
    }
}
