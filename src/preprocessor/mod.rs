//! The preprocessor: fitted transformers, applied to rows as scikit-learn applies them.
