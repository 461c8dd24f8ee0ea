//! What is made of the list of transformers.

/// Declares the module of each transformer, and the list of their classes.
macro_rules! transformers {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// The classes of all transformers.
        const CLASSES: &[&dyn class::PickledClass] = &[$(&$module::Class),*];
    };
}
