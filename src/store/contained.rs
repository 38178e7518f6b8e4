use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

static QUIET: Once = Once::new();

/// Runs what may panic at damaged input; the panic's message is the error then, and nothing goes to standard error.
///
/// What `run` borrows must not be used after an error.
pub fn contained<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    QUIET.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                loud(info);
            }
        }));
    });
    CONTAINED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(run));
    CONTAINED.set(false);
    outcome.map_err(|cause| panic_message(&*cause))
}

/// What a panic said.
pub fn panic_message(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    // an assertion's message has lines of its own
    text.unwrap_or("a panic without words").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_is_an_error_and_a_value_is_a_value() {
        assert_eq!(contained(|| 3), Ok(3));
        let broken: Result<(), String> = contained(|| assert_eq!(1 + 1, 3, "a length"));
        assert!(broken.is_err_and(|said| said.contains("a length")));
    }
}
