-- Forget the files of a bucket whose rows were added.
drop view bucket_recommendations;
drop view bucket_ranks;
drop view bucket_figures;
